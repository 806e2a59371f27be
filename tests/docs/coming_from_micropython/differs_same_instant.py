"""Timers due at one instant: rouse fires them in the order in which they were set, CPython in the order of its heap."""
import asyncio


async def nap(i):
    await asyncio.sleep(0.01)
    print("up:", i)


async def main():
    await asyncio.gather(*[nap(i) for i in range(6)])


asyncio.run(main())
