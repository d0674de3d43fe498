"""What has no async twin in the standard library goes to a thread.

Bad:

    async def convert(path):
        subprocess.run(["pandoc", path], check=True)

Good:

    async def convert(path):
        await asyncio.to_thread(subprocess.run, ["pandoc", path], check=True)

Only calls that are complete in themselves are listed: their results may be used on any thread.
sqlite3, for one, is not, because its connections belong to the thread that made them.  These calls
make no function async by themselves; they only keep the event loop free where one is running.
"""
