"""
Every bound on hostile input, a module for each kind.

Each constant names its unit and why it has its value. A stage that meets a bound reports a
`Gap` or raises; it never truncates silently. Nothing outside this package invents a bound.
"""
