"""gather starts its arguments in order, and gives the results in that order, whoever ends first."""
import asyncio


async def fetch(name, seconds):
    print("begins", name)
    await asyncio.sleep(seconds)
    print("ends", name)
    return len(name)


async def main():
    running = asyncio.create_task(fetch("three", 0.03))
    print(*await asyncio.gather(fetch("a", 0.02), fetch("bc", 0.01), running))
    print(*await asyncio.gather(*[fetch("x" * n, 0.01 / n) for n in (1, 2, 3)]))


asyncio.run(main())
