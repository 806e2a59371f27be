"""A button starts and stops a light that blinks."""
import asyncio

pressed = asyncio.Event()  # on a board a ThreadSafeFlag, which the button's interrupt sets


async def blink():
    try:
        while True:
            print("led on")
            await asyncio.sleep(0.25)
            print("led off")
            await asyncio.sleep(0.25)
    finally:
        print("led off for good")


async def button():
    while True:
        await pressed.wait()
        pressed.clear()
        blinking = asyncio.create_task(blink())
        await pressed.wait()
        pressed.clear()
        blinking.cancel()


async def main():
    asyncio.create_task(button())
    for seconds in (0.1, 0.6, 1):  # somebody plays with the button
        await asyncio.sleep(seconds)
        print("press")
        pressed.set()
    await asyncio.sleep(0.3)


asyncio.run(main())
