"""Three hundred random programs of up to eight tasks, made by the same generator on both sides.

Left out is what is known to differ (differs_*.py): a queue has one task at each end, nobody cancels one that awaits it,
and of several that wait for time no two are due at once.
"""
import asyncio


class Dice:
    def __init__(self, seed):
        self.state = seed

    def roll(self, sides):
        self.state = (self.state * 1103515245 + 12345) % 2**31
        return (self.state >> 12) % sides


class World:
    def __init__(self):
        self.event, self.lock, self.semaphore = asyncio.Event(), asyncio.Lock(), asyncio.Semaphore(2)
        self.queue = asyncio.Queue(2)
        self.tasks = []


async def nap(dice):
    await asyncio.sleep((1 + dice.roll(40000)) / 1000000)


async def operation(me, what, dice, world):
    if what == 0:
        await asyncio.sleep(0)
    elif what == 1:
        await nap(dice)
    elif what == 2:
        world.event.set()
    elif what == 3:
        world.event.clear()
    elif what == 4:
        await world.event.wait()
    elif what == 5:
        async with world.lock:
            print(me, "has the lock")
            await nap(dice)
    elif what == 6:
        async with world.semaphore:
            print(me, "is in")
            await nap(dice)
    elif what == 7 and me > 0:
        await world.tasks[dice.roll(me)]
    elif what == 8 and me > 0:
        other = dice.roll(me)
        print(me, "cancels", other, world.tasks[other].cancel())
    elif what == 9 and me == 0:
        await world.queue.put(dice.roll(100))
    elif what == 9 and me == 1:
        print(me, "got", await world.queue.get())


async def task(me, dice, world):
    for step in range(1 + dice.roll(7)):
        what = dice.roll(10) if me > 1 or dice.roll(2) == 0 else 9
        print(me, "step", step, what)
        try:
            await operation(me, what, dice, world)
        except asyncio.CancelledError:
            print(me, "cancelled")
            if me % 3 != 0:
                raise
    print(me, "ends")


async def main():
    for seed in range(300):
        print("program", seed)
        dice, world = Dice(seed), World()
        for me in range(2 + dice.roll(7)):
            world.tasks.append(asyncio.create_task(task(me, Dice(dice.roll(100000)), world)))
        await asyncio.sleep(0.5)
        while not all(each.done() for each in world.tasks):
            for each in world.tasks:
                each.cancel()
            await asyncio.sleep(0.5)
        print(*[int(each.cancelled()) for each in world.tasks])


asyncio.run(main())
