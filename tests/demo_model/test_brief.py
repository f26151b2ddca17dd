"""What the model reads out of a prompt."""

import pytest

from demo_model import brief, recipes


def make(prompt: str) -> brief.Brief:
    return brief.make(prompt, recipes.kinds())


@pytest.mark.parametrize(
    ("prompt", "kind", "name"),
    [
        ("a pricing page for a bakery called Crumb & Co", "pricing", "Crumb & Co"),
        ('build me a todo list app called "Zest!"', "todo", "Zest!"),
        ("A landing page for Northvault, a fintech", "landing", "Northvault"),
        ("a dashboard for my bakery Crumb & Co in teal", "dashboard", "Crumb & Co"),
        ("my SaaS startup Acme Rockets needs a landing page", "landing", "Acme Rockets"),
        ("portfolio of a photographer named Ana María López, dark", "portfolio", "Ana María López"),
        ("Eine Landingpage für eine Bäckerei namens „Korn“", "landing", "Korn"),
        ("A kanban board called zest for my team", "kanban", "zest"),
        ("An online shop for ceramics called Kiln", "shop", "Kiln"),
        ("Une boutique en ligne appelée Fleur, s'il vous plaît", "shop", "Fleur"),
        ("Ein Webshop für Kaffee namens Bohne & Söhne", "shop", "Bohne & Söhne"),
        ("Un blog de recetas llamado Sobremesa", "blog", "Sobremesa"),
    ],
)
def test_it_finds_the_kind_and_the_name(prompt, kind, name):
    wish = make(prompt)
    assert (wish.kind, wish.name) == (kind, name)


def test_it_does_not_take_a_technology_for_a_name():
    assert make("a todo app for React developers").name not in ("React", "React developers")
    assert make("a landing page for HTML").name != "HTML"


def test_it_invents_the_same_name_each_time():
    first, again = make("a landing page for a bakery"), make("a landing page for a bakery")
    assert first.name == again.name in brief.subjects()["bakery"]["names"]


def test_it_derives_the_colours_from_the_subject_unless_told():
    assert make("a landing page for a bakery").tone.hue == brief.subjects()["bakery"]["hue"]
    assert make("a landing page for a bakery in teal").tone.hue == 188
    assert make("a bakery page, accent #ff5500").tone.exact == "#ff5500"


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("a site for my tea shop", "landing"),
        ("a coffee shop website", "landing"),
        ("a landing page for a book store", "landing"),
        ("a page for our family's little cheese shop", "landing"),
        ("a shop for shoes", "shop"),
        ("an online coffee shop", "shop"),
        ("a store that sells plants", "shop"),
        ("a cheese page with a shopping cart", "shop"),
    ],
)
def test_it_tells_a_shop_from_the_page_of_one(prompt, kind):
    assert make(prompt).kind == kind


def test_it_takes_no_place_for_a_name():
    assert make("a landing page for a barber in Leeds").name != "Leeds"


@pytest.mark.parametrize(
    ("prompt", "key"),
    [
        ("yoga studio", "yoga"), ("a wedding photographer", "photography"), ("law firm", "law"), ("a band", "music"),
        ("an estate agent", "property"), ("a summit for makers", "conference"), ("a food bank", "charity"),
        ("a barber", "barber"), ("an indie game", "games"), ("two architects", "architecture"),
        ("handmade mugs", "ceramics"), ("a sneaker drop", "fashion"), ("a bookshop", "books"),
        ("Spanish evenings", "language"), ("a bakery", "bakery"), ("a SaaS startup", "software"),
        ("a coffee roaster", "coffee"),
        ("a tea shop", "tea"), ("a florist", "garden"), ("a pet groomer", "pets"), ("a gym", "fitness"),
        ("a ramen bar", "restaurant"), ("hiking trips", "travel"), ("a dentist", "clinic"), ("a fintech", "fintech"),
        ("a primary school", "school"),
    ],
)  # fmt: skip
def test_it_knows_the_subject(prompt, key):
    assert brief.subject_key(prompt) == key


def test_a_shop_sells_what_its_subject_offers():
    products = recipes.values(make("an online shop for a law firm"))["shop"]["products"]
    assert [p["title"] for p in products] == [o["title"] for o in brief.subjects()["law"]["offers"]]
    assert all(isinstance(p["price"], int | float) for p in products)


def test_it_speaks_of_an_unknown_subject_in_its_own_words():
    wish = make("A landing page for a lighthouse museum")
    assert wish.copy["headline"] == "Lighthouse museum, done with care."


@pytest.mark.parametrize("key", sorted(brief.subjects()))
def test_every_subject_has_all_its_texts(key):
    copy = brief.subjects()["anything"] | brief.subjects()[key]
    assert len(copy["offers"]) == 6
    assert len(copy["steps"]) == len(copy["tiers"]) == 3
    assert len(copy["tasks"]) == 6
    assert len(copy["metrics"]["parts"]) == 4
    assert all(len(post["body"]) == 2 for post in copy["posts"])
