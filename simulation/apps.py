"""Registers the app `simulation` with Django: its commands `demo` and `simulate`. It has no models."""

from django.apps import AppConfig


class SimulationConfig(AppConfig):
    name = "simulation"
    verbose_name = "Simulation"
