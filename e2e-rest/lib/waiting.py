"""What tests wait for and what they expect to be refused."""

import time

from twilio.base.exceptions import TwilioRestException


def refused(status, code, call):
    """The library's exception for a call that is refused so."""
    try:
        answer = call()
    except TwilioRestException as error:
        assert (error.status, error.code) == (status, code), error
        return error
    raise AssertionError(f"it was accepted: {answer}")


def until(ask, what, within=15, pause=0.03):
    """Asks until this is true of the answer, and returns that."""
    end = time.monotonic() + within
    while True:
        try:
            answer = ask()
            if what(answer):
                return answer
        except (AssertionError, TwilioRestException) as error:
            answer = error
        assert time.monotonic() < end, f"not within {within} s: {answer}"
        time.sleep(pause)
