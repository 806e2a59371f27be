"""The first failure ends a gather, the others go on; with return_exceptions nothing ends it early."""
import asyncio


async def work(name, seconds, fails=False):
    try:
        await asyncio.sleep(seconds)
        if fails:
            raise ValueError(name + " failed")
        print(name, "is ready")
        return name
    except asyncio.CancelledError:
        print(name, "was cancelled")
        raise


async def gather_cancelled():
    await asyncio.gather(work("p", 1), work("q", 2))


async def main():
    try:
        await asyncio.gather(work("a", 0.03), work("b", 0.01, True), work("c", 0.02, True))
    except ValueError as error:
        print("caught:", error)
    await asyncio.sleep(0.05)

    late = asyncio.create_task(work("late", 1))
    asyncio.get_running_loop().call_later(0.015, late.cancel)
    for result in await asyncio.gather(work("d", 0.01), work("e", 0.02, True), late, return_exceptions=True):
        if isinstance(result, asyncio.CancelledError):
            print("cancelled")
        elif isinstance(result, Exception):
            print("error:", result)
        else:
            print("value:", result)

    task = asyncio.create_task(gather_cancelled())
    await asyncio.sleep(0.01)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("gather was cancelled")


asyncio.run(main())
