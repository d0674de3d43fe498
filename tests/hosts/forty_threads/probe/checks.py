from probe import net


def check(number):
    slept = net.ping(number)
    try:
        net.hang_up(number)
    except net.Unreachable as error:
        return slept, f"unreachable: {error}"
    return slept, "reachable"
