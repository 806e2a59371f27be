"""The first of several things; the other is given up, and what it would have got stays where it is."""
import asyncio


async def job(name, seconds):
    try:
        await asyncio.sleep(seconds)
        return name
    except asyncio.CancelledError:
        print(name, "cancelled")
        raise


async def first_of(*aws):
    """What select does."""
    tasks = [asyncio.ensure_future(aw) for aw in aws]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    index = min(tasks.index(task) for task in done)
    return index, tasks[index].result()


async def put_later(queue, seconds, item):
    await asyncio.sleep(seconds)
    await queue.put(item)


async def main():
    print(*await first_of(job("slow", 0.03), job("fast", 0.01)))

    queue = asyncio.Queue()
    stop = asyncio.Event()
    asyncio.create_task(put_later(queue, 0.01, "item"))
    index, item = await first_of(stop.wait(), queue.get())
    print(index, item)
    stop.set()
    queue.put_nowait("kept")
    await asyncio.sleep(0)
    print(await queue.get())


asyncio.run(main())
