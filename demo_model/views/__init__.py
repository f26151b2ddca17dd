"""Components written once (`*.view`), printed as React, Next.js, Vue, Svelte or Angular."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from demo_model.views import parse, script
from demo_model.views.angular import Angular
from demo_model.views.react import React
from demo_model.views.svelte import Svelte
from demo_model.views.vue import Vue


@dataclass(frozen=True)
class Frame:
    """Where a framework keeps things. `from_…` is how a component names its neighbours and the modules."""

    components: str
    modules: str
    pages: str
    css: str
    from_component: tuple[str, str]
    from_page: tuple[str, str]


FRAMES = {
    "react": Frame("src/components/", "src/", "src/pages/", "src/index.css", ("./", "../"), ("../components/", "../")),
    "nextjs": Frame("components/", "lib/", "components/pages/", "app/globals.css",
                    ("@/components/", "@/lib/"), ("@/components/", "@/lib/")),
    "vue": Frame("src/components/", "src/", "src/pages/", "src/index.css", ("./", "../"), ("../components/", "../")),
    "svelte": Frame("src/lib/components/", "src/lib/", "src/lib/pages/", "src/app.css",
                    ("./", "../"), ("../components/", "../")),
    "angular": Frame("src/app/components/", "src/app/", "src/app/pages/", "src/styles.css",
                     ("./", "../"), ("../components/", "../")),
}  # fmt: skip


@lru_cache(maxsize=1024)  # all recipes in all frameworks, and sections with the words of some prompts
def files(name: str, source: str, frame: str, page: bool = False) -> dict[str, str]:
    """Path → text of a view's file or files. `page`: it goes where pages are. Raises ValueError for what is no view."""
    place = FRAMES[frame]
    view = parse.view(name, source)
    folder, seen = (place.pages, place.from_page) if page else (place.components, place.from_component)
    printers: dict[str, Callable[[], dict[str, str]]] = {
        "react": lambda: {f"{folder}{name}.tsx": React(view, False).component(*seen)},
        "nextjs": lambda: {f"{folder}{name}.tsx": React(view, True).component(*seen)},
        "vue": lambda: {f"{folder}{name}.vue": Vue(view).component(*seen)},
        "svelte": lambda: {f"{folder}{name}.svelte": Svelte(view).component(*seen)},
        "angular": lambda: {
            f"{folder}{script.kebab(name)}.ts": Angular(view).component(*seen),
            f"{folder}{script.kebab(name)}.html": Angular(view).template(),
        },
    }
    return printers[frame]()


def home(frame: str) -> str:
    """The file with the `<main>` of an app's first page, where sections are added."""
    ends = {
        "react": "Home.tsx",
        "nextjs": "Home.tsx",
        "vue": "Home.vue",
        "svelte": "Home.svelte",
        "angular": "home.html",
    }
    return FRAMES[frame].pages + ends[frame]
