"""An on-call console and monitoring agent for Qlik Replicate."""

__version__ = "0.1.0"
