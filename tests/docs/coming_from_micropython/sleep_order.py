"""Timers fire in the order of their deadlines, sleep(0) goes once round the ready queue."""
import asyncio


async def nap(name, seconds):
    await asyncio.sleep(seconds)
    print("up:", name)


async def spin(name):
    for i in range(3):
        print(name, i)
        await asyncio.sleep(0)


async def main():
    tasks = [asyncio.create_task(nap(name, t)) for name, t in
             [("c", 0.03), ("a", 0.01), ("b", 0.02), ("now", 0), ("before now", -1), ("a too", 0.01)]]
    spinning = [asyncio.create_task(spin("x")), asyncio.create_task(spin("y"))]
    print("main sleeps")
    await asyncio.sleep(0.02)
    print("main is up")
    for task in tasks + spinning:
        await task
    print("main ends")


asyncio.run(main())
