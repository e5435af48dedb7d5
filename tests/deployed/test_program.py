"""The scenarios on the program that runs without a cloud."""

import unittest

import scenarios
from program import Program


def setUpModule():
    scenarios.begin(Program)


globals().update(scenarios.on(__name__))


if __name__ == "__main__":
    unittest.main()
