"""A Lock is fair: it goes to the one that has waited longest, and passes over one that was cancelled."""
import asyncio


async def user(name, lock, seconds):
    for i in range(2):
        async with lock:
            print(name, "has it,", i)
            await asyncio.sleep(seconds)
        print(name, "gave it back")


async def main():
    lock = asyncio.Lock()
    users = [asyncio.create_task(user(*each)) for each in [("a", lock, 0.03), ("b", lock, 0.01), ("c", lock, 0)]]
    gives_up = asyncio.create_task(user("gives up", lock, 0))
    await asyncio.sleep(0.01)
    print("locked", lock.locked())
    gives_up.cancel()
    await asyncio.gather(*users)
    print("locked", lock.locked())


asyncio.run(main())
