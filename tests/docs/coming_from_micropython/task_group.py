"""A TaskGroup waits for its tasks; the first failure cancels the others; all errors come out together.

(Of several tasks, CPython cancels in the order of a set, which is none. So here one is left each time.)
"""
import asyncio


async def work(name, seconds, fails=False):
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        print(name, "cancelled")
        if fails:
            raise ValueError(name + " failed to clean up")
        raise
    if fails:
        raise ValueError(name + " failed")
    print(name, "ready")


async def good():
    async with asyncio.TaskGroup() as group:
        group.create_task(work("a", 0.02))
        group.create_task(work("b", 0.01))
        print("end of the body")
    print("behind the group")


async def bad():
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(work("c", 0.005))
            group.create_task(work("d", 0.01, True))
            group.create_task(work("e", 0.05, True))
            await asyncio.sleep(1)
            print("never printed")
    except* ValueError as errors:
        for error in errors.exceptions:
            print("caught:", error)


async def main():
    await good()
    await bad()
    cancelled = asyncio.create_task(good())
    await asyncio.sleep(0.015)
    cancelled.cancel()
    try:
        await cancelled
    except asyncio.CancelledError:
        print("the group was cancelled")


asyncio.run(main())
