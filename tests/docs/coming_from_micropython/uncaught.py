"""An exception of a task that nobody awaits is told to the loop's handler, when the last who could ask is gone."""
import asyncio


def handler(loop, context):
    print("handler:", context["exception"])


async def fails(what, seconds):
    await asyncio.sleep(seconds)
    raise ValueError(what)


async def main():
    asyncio.get_running_loop().set_exception_handler(handler)
    asyncio.create_task(fails("nobody has a handle", 0.01))
    kept = asyncio.create_task(fails("the handle is dropped later", 0))
    awaited = asyncio.create_task(fails("is caught", 0.02))
    await asyncio.sleep(0.015)
    print("main drops the handle")
    del kept
    print("main awaits the other")
    try:
        await awaited
    except ValueError as error:
        print("main caught:", error)
    del awaited
    asyncio.create_task(fails("second", 0.002))
    asyncio.create_task(fails("first", 0.001))
    await asyncio.sleep(0.01)
    try:
        await fails("in place", 0)
    except ValueError as error:
        print("main caught:", error)
    print("main ends")


asyncio.run(main())
