"""threading.Thread to a task."""
