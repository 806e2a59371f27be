"""Two things in the same moment: in CPython 3.11 a cancellation, or an item, gets lost; in rouse neither."""
import asyncio


async def give_up(task, queue):
    """An item comes, and in the same step the one that waits for it is cancelled."""
    await asyncio.sleep(0.01)
    queue.put_nowait("item")
    task.cancel()


async def consumer(queue):
    try:
        item = await asyncio.wait_for(queue.get(), 1)
        print("consumer: got", item)
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        print("consumer: cancelled")


async def main():
    queue = asyncio.Queue()
    task = asyncio.create_task(consumer(queue))
    await give_up(task, queue)
    await asyncio.gather(task, return_exceptions=True)
    print("left in the queue:", queue.qsize())

    queues = [asyncio.Queue(), asyncio.Queue()]
    getters = [asyncio.create_task(each.get()) for each in queues]
    await asyncio.sleep(0)
    for each in queues:
        each.put_nowait("item")
    done, pending = await asyncio.wait(getters, return_when=asyncio.FIRST_COMPLETED)
    print("got the first; left in the queues:", sum(each.qsize() for each in queues))


asyncio.run(main())
