"""Asks three times, and waits ten seconds each time."""
import asyncio


async def ask(typed):
    for attempt in range(3):
        print("your name?")
        try:
            return await asyncio.wait_for(typed.get(), 10)
        except asyncio.TimeoutError:
            print("nobody there?")
    return None


async def person(typed):
    await asyncio.sleep(25)
    await typed.put("Ada")


async def main():
    typed = asyncio.Queue()
    asyncio.create_task(person(typed))
    print("hello,", await ask(typed))


asyncio.run(main())
