"""A Semaphore lets so many in at a time, in the order in which they came."""
import asyncio


async def user(name, semaphore, seconds):
    async with semaphore:
        print(name, "enters")
        await asyncio.sleep(seconds)
        print(name, "leaves")


async def main():
    semaphore = asyncio.Semaphore(2)
    users = [asyncio.create_task(user(name, semaphore, t)) for name, t in
             [("a", 0.02), ("b", 0.05), ("c", 0.01), ("d", 0.01), ("e", 0)]]
    await asyncio.sleep(0.01)
    print("locked", semaphore.locked())
    users[3].cancel()
    await asyncio.gather(*users, return_exceptions=True)
    print("locked", semaphore.locked())

    bounded = asyncio.BoundedSemaphore(1)
    await bounded.acquire()
    bounded.release()
    try:
        bounded.release()
    except ValueError:
        print("released too often")


asyncio.run(main())
