"""A Barrier lets its parties go on together, round after round; one that is broken says so."""
import asyncio


async def party(name, barrier, seconds):
    for i in range(2):
        await asyncio.sleep(seconds)
        place = await barrier.wait()
        print(name, "goes on, round", i, "place", place)


async def stuck(barrier):
    try:
        await barrier.wait()
    except asyncio.BrokenBarrierError:
        print("broken")


async def main():
    barrier = asyncio.Barrier(3)
    await asyncio.gather(party("a", barrier, 0.02), party("b", barrier, 0.01), party("c", barrier, 0.03))
    task = asyncio.create_task(stuck(barrier))
    await asyncio.sleep(0.01)
    print("waiting", barrier.n_waiting)
    await barrier.abort()
    await task
    print("broken", barrier.broken)


asyncio.run(main())
