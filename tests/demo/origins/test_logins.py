"""The 52eSELLER origin's logins and tickets, on a clock of our own."""

from statetrail.demo.origins.logins import LoginBook, new_secret


def test_a_ticket_is_renewed_by_age_and_the_old_one_accepted_for_an_overlap():
    """Whoever presents the old one is told of the new one, until it is refused."""
    logins = LoginBook(ticket_s=10, overlap_s=5, remember=lambda _: None)
    login = logins.begin(0)
    old = login.ticket
    assert not logins.renew(login, old, 9.9)
    assert logins.renew(login, old, 10)
    assert login.ticket != old
    assert logins.renew(login, old, 12)
    assert not logins.renew(login, login.ticket, 12)
    assert logins.by_ticket(old, 15) is login
    assert logins.by_ticket(old, 15.1) is None
    assert logins.by_ticket(login.ticket, 15.1) is login


def test_every_secret_of_a_login_is_remembered():
    """People, tickets and the authentication; nothing that may be shown."""
    known = set()
    logins = LoginBook(ticket_s=10, overlap_s=5, remember=known.add)
    login = logins.begin(0)
    assert known == {
        login.customer,
        login.sales_person,
        login.visitor,
        login.ticket,
        login.authentication,
    }
    before = login.ticket
    logins.renew(login, before, 10)
    assert login.ticket in known


def test_secrets_have_what_makes_state_headers_hard_to_read():
    """Base64 with a slash, a plus and padding."""
    assert all(mark in new_secret() for mark in "/+=")
