"""Five downloads, but never more than two at a time."""
import asyncio


async def download(number, limit):
    async with limit:
        print("begin", number)
        await asyncio.sleep(0.01 * number)
        print("end", number)
        return number * 100


async def main():
    limit = asyncio.Semaphore(2)
    sizes = await asyncio.gather(*[download(i, limit) for i in (1, 2, 3, 4, 5)])
    print("bytes:", sum(sizes))


asyncio.run(main())
