"""Follow lumbar disc herniations through time and say how sure the change is.

Data flows one way: files -> catalogue -> volume -> reading -> measurement -> outcome
-> report. Research use only; not a medical device.
"""

__version__ = "0.1.0"
