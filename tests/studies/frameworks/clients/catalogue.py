"""All clients of the study."""

from typing import Final

from studies.frameworks.clients import (
    chromium,
    django,
    express,
    flask_wtf,
    oauth,
    php,
    tomcat,
    tornado,
    woocommerce,
)

CLIENTS: Final = (
    *django.CLIENTS,
    *flask_wtf.CLIENTS,
    *tornado.CLIENTS,
    *oauth.CLIENTS,
    *woocommerce.CLIENTS,
    *php.CLIENTS,
    *tomcat.CLIENTS,
    *express.CLIENTS,
    *chromium.CLIENTS,
)
