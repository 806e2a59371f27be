"""CPython's gather and TaskGroup need one turn of the loop more to tell who waits for them, wait_for even two."""
import asyncio


async def short():
    await asyncio.sleep(0)


async def count():
    for i in range(8):
        print("turn", i)
        await asyncio.sleep(0)


async def by_task():
    await asyncio.create_task(short())
    print("task: awaited")


async def by_gather():
    await asyncio.gather(short())
    print("gather: awaited")


async def by_group():
    async with asyncio.TaskGroup() as group:
        group.create_task(short())
    print("group: awaited")


async def by_wait_for():
    await asyncio.wait_for(short(), 1)
    print("wait_for: awaited")


async def main():
    tasks = [asyncio.create_task(f()) for f in (count, by_task, by_gather, by_group, by_wait_for)]
    for task in tasks:
        await task


asyncio.run(main())
