"""What the user reads: pure functions from results to text and JSON.  Nothing here prints."""
