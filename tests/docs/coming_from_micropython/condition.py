"""A Condition: those who wait are notified in order, and go on when they have the lock."""
import asyncio

stock = 0


async def buyer(name, condition, amount):
    global stock
    async with condition:
        await condition.wait_for(lambda: stock >= amount)
        stock -= amount
        print(name, "takes", amount, "leaves", stock)


async def waiter(name, condition):
    async with condition:
        await condition.wait()
        print(name, "was notified")


async def main():
    global stock
    condition = asyncio.Condition()
    buyers = [asyncio.create_task(buyer(*each)) for each in
              [("a", condition, 3), ("b", condition, 1), ("c", condition, 2)]]
    for delivered in (1, 2, 3):
        await asyncio.sleep(0.01)
        async with condition:
            stock += delivered
            print("delivered", delivered)
            condition.notify_all()
    await asyncio.gather(*buyers)

    waiters = [asyncio.create_task(waiter(name, condition)) for name in "xyz"]
    await asyncio.sleep(0.01)
    waiters[0].cancel()
    async with condition:
        condition.notify(1)
        print("notified one")
    await asyncio.sleep(0.01)
    async with condition:
        condition.notify(2)
    await asyncio.sleep(0.01)
    print([each.done() for each in waiters] == [True] * 3)

    async with condition:
        try:
            await asyncio.wait_for(condition.wait(), 0.01)
        except asyncio.TimeoutError:
            print("not notified; locked", condition.locked())


asyncio.run(main())
