"""All clients of the study."""

from typing import Final

from studies.frameworks.clients import django, flask_wtf, tornado

CLIENTS: Final = (*django.CLIENTS, *flask_wtf.CLIENTS, *tornado.CLIENTS)
