"""When one fails, CPython's gather leaves the others running; rouse's cancels the Tasks that it was given."""
import asyncio


async def work(name, seconds, fails=False):
    try:
        await asyncio.sleep(seconds)
        if fails:
            raise ValueError(name + " failed")
        print(name, "is ready")
    except asyncio.CancelledError:
        print(name, "was cancelled")
        raise


async def main():
    handle = asyncio.create_task(work("handle", 0.03))
    try:
        await asyncio.gather(work("a", 0.02), work("b", 0.01, True), handle)
    except ValueError as error:
        print("caught:", error)
    await asyncio.sleep(0.05)


asyncio.run(main())
