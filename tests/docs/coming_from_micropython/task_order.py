"""Tasks start in the order in which they were created, none at once; a coroutine that is awaited runs in place."""
import asyncio


async def child(name):
    print("  child of", name)
    return 1


async def quiet():
    print("never printed")


async def work(name):
    print(name, "begins")
    await child(name)
    print(name, "makes a task")
    asyncio.create_task(work_more(name))
    await asyncio.sleep(0)
    print(name, "ends")
    return name


async def work_more(name):
    print(name, "goes on in a task")


async def main():
    coroutine = child("main, later")
    quiet().close()
    a = asyncio.create_task(work("a"))
    b = asyncio.create_task(work("b"))
    print("main has made two tasks")
    await coroutine
    print(await b, a.done(), b.done())
    print(await a, await a)


asyncio.run(main())
