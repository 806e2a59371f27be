"""A bounded Queue: a producer that is held back, two consumers that take turns, join and task_done."""
import asyncio


async def producer(queue):
    for i in range(6):
        await queue.put(i)
        print("put", i, "now", queue.qsize())
    print("producer ends")


async def consumer(name, queue):
    while True:
        item = await queue.get()
        print(name, "got", item)
        await asyncio.sleep(0.01)
        queue.task_done()


async def main():
    queue = asyncio.Queue(maxsize=2)
    consumers = [asyncio.create_task(consumer(name, queue)) for name in "ab"]
    await asyncio.sleep(0.01)
    await producer(queue)
    await queue.join()
    print("all done, empty", queue.empty())
    for each in consumers:
        each.cancel()
    for result in await asyncio.gather(*consumers, return_exceptions=True):
        print("consumer", "cancelled" if isinstance(result, asyncio.CancelledError) else result)
    try:
        queue.get_nowait()
    except asyncio.QueueEmpty:
        print("empty")
    queue.put_nowait(1)
    queue.put_nowait(2)
    try:
        queue.put_nowait(3)
    except asyncio.QueueFull:
        print("full", queue.full())


asyncio.run(main())
