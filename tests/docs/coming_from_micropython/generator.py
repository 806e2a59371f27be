"""An asynchronous generator, and one that is left before its end."""
import asyncio


async def countdown(start):
    try:
        for n in range(start, 0, -1):
            await asyncio.sleep(1)
            yield n
    except GeneratorExit:
        print("not to the end")
        raise


async def main():
    async for n in countdown(3):
        print(n)
    generator = countdown(10)
    async for n in generator:
        print(n)
        if n == 9:
            break
    await generator.aclose()
    print("left")


asyncio.run(main())
