"""A producer that is held back by two consumers; a None for each of them says that there is no more."""
import asyncio


async def produce(queue):
    for i in range(5):
        await queue.put(i)
        print("made", i)
    for _ in range(2):
        await queue.put(None)


async def consume(name, queue):
    while (item := await queue.get()) is not None:
        print(name, "uses", item)
        await asyncio.sleep(0.01)
    print(name, "is done")


async def main():
    queue = asyncio.Queue(maxsize=2)
    await asyncio.gather(produce(queue), consume("a", queue), consume("b", queue))


asyncio.run(main())
