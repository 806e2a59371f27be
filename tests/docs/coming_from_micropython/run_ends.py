"""When main ends, what is left is cancelled and cleans up, with awaits too; then run() returns main's value."""
import asyncio


async def server():
    try:
        while True:
            await asyncio.sleep(1)
    except asyncio.CancelledError:
        print("server: closing")
        await asyncio.sleep(0.01)
        print("server: closed")
        raise


async def last_minute():
    print("begun in the last minute")
    await asyncio.sleep(0)
    print("never printed")


async def main():
    asyncio.create_task(server())
    await asyncio.sleep(0.01)
    asyncio.create_task(last_minute())
    print("main ends")
    return 42


async def main_fails():
    asyncio.create_task(server())
    await asyncio.sleep(0.01)
    raise ValueError("main failed")


print("run returns", asyncio.run(main()))
try:
    asyncio.run(main_fails())
except ValueError as error:
    print("run raises", error)
