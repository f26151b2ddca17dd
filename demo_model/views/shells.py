"""What holds the pages of an app together in each framework: its entry, its layout and its routes. Pure."""

import re
from typing import Any

from demo_model.views.script import kebab

Page = dict[str, Any]


def files(frame: str, header: str, pages: list[Page]) -> dict[str, str]:
    """Path → text of the files around an app's pages. `pages` are all but the first one, `Home`."""
    return {"react": react, "nextjs": nextjs, "vue": vue, "svelte": svelte, "angular": angular}[frame](header, pages)


def _lines(*lines: str) -> str:
    return "\n".join(lines) + "\n"


def _word(page: Page) -> str:
    return str(page["path"]).split("/")[1]


def react(header: str, pages: list[Page]) -> dict[str, str]:
    if not pages:
        body, hooks, more = ["      <Home />"], [], []
    else:
        body = []
        for at, page in enumerate(pages):
            opening = ") : page" if at else "{page"
            body += [f'      {opening} === "{_word(page)}" ? (', f"        {_react_tag(page)}"]
        body += ["      ) : (", "        <Home />", "      )}"]
        hooks = ['  const [, page = "", slug = ""] = useStore(route).split("/");', ""]
        hooks[0] = hooks[0] if any(":slug" in p["path"] for p in pages) else hooks[0].replace(', slug = ""', "")
        more = ['import { route } from "./route";', 'import { useStore } from "./useStore";']
    names = sorted(["Home", *(p["view"] for p in pages)])
    return {
        "src/App.tsx": _lines(
            'import { Footer } from "./components/Footer";',
            f'import {{ {header} }} from "./components/{header}";',
            *(f'import {{ {name} }} from "./pages/{name}";' for name in names),
            *more,
            "",
            "export default function App() {",
            *hooks,
            "  return (",
            '    <div id="top" className="flex min-h-dvh flex-col">',
            f"      <{header} />",
            *body,
            "      <Footer />",
            "    </div>",
            "  );",
            "}",
        )
    }


def _react_tag(page: Page) -> str:
    return f"<{page['view']} key={{slug}} slug={{slug}} />" if ":slug" in page["path"] else f"<{page['view']} />"


def vue(header: str, pages: list[Page]) -> dict[str, str]:
    setup, body = [], ["    <Home />"]
    if pages:
        setup = ["", "const path = useStore(route);", 'const page = computed(() => path.value.split("/")[1] ?? "");']
        if any(":slug" in p["path"] for p in pages):
            setup.append('const slug = computed(() => path.value.split("/")[2] ?? "");')
        body = []
        for at, p in enumerate(pages):
            slug = ' :key="slug" :slug="slug"' if ":slug" in p["path"] else ""
            body.append(f"    <{p['view']} v-{'else-' if at else ''}if=\"page === '{_word(p)}'\"{slug} />")
        body.append("    <Home v-else />")
    names = sorted(["Home", *(p["view"] for p in pages)])
    imports = [
        *(['import { computed } from "vue";'] if pages else []),
        'import Footer from "./components/Footer.vue";',
        f'import {header} from "./components/{header}.vue";',
        *(f'import {name} from "./pages/{name}.vue";' for name in names),
        *(['import { route } from "./route";', 'import { useStore } from "./useStore";'] if pages else []),
    ]
    return {
        "src/App.vue": _lines(
            '<script setup lang="ts">',
            *imports,
            *setup,
            "</script>",
            "",
            "<template>",
            '  <div id="top" class="flex min-h-dvh flex-col">',
            f"    <{header} />",
            *body,
            "    <Footer />",
            "  </div>",
            "</template>",
        )
    }


def nextjs(header: str, pages: list[Page]) -> dict[str, str]:
    made = {
        "app/layout.tsx": _lines(
            'import type { Metadata, Viewport } from "next";',
            'import type { ReactNode } from "react";',
            'import { Footer } from "@/components/Footer";',
            f'import {{ {header} }} from "@/components/{header}";',
            'import { content } from "@/lib/content";',
            'import "./globals.css";',
            "",
            "export const metadata: Metadata = {",
            "  title: { default: content.title, template: `%s – ${content.name}` },",
            "  description: content.lede,",
            "};",
            'export const viewport: Viewport = { colorScheme: "light dark" };',
            "",
            "export default function RootLayout({ children }: Readonly<{ children: ReactNode }>) {",
            "  return (",
            '    <html lang="en" suppressHydrationWarning>',
            "      <body>",
            '        <div id="top" className="flex min-h-dvh flex-col">',
            f"          <{header} />",
            "          {children}",
            "          <Footer />",
            "        </div>",
            "      </body>",
            "    </html>",
            "  );",
            "}",
        ),
        "app/page.tsx": _lines(
            'import { Home } from "@/components/pages/Home";',
            "",
            "export default function Page() {",
            "  return <Home />;",
            "}",
        ),
    }
    for page in pages:
        path = "app" + re.sub(r":(\w+)", r"[\1]", page["path"]) + "/page.tsx"
        made[path] = _next_slug(page) if ":slug" in page["path"] else _next_plain(page)
    return made


def _next_plain(page: Page) -> str:
    name = page["view"]
    return _lines(
        'import type { Metadata } from "next";',
        f'import {{ {name} }} from "@/components/pages/{name}";',
        "",
        f'export const metadata: Metadata = {{ title: "{page["title"]}" }};',
        "",
        "export default function Page() {",
        f"  return <{name} />;",
        "}",
    )


def _next_slug(page: Page) -> str:
    name, items = page["view"], page["items"]
    return _lines(
        'import type { Metadata } from "next";',
        f'import {{ {name} }} from "@/components/pages/{name}";',
        'import { content } from "@/lib/content";',
        "",
        "type Props = { params: Promise<{ slug: string }> };",
        "",
        "export function generateStaticParams() {",
        f"  return content.{items}.map(({{ slug }}) => ({{ slug }}));",
        "}",
        "",
        "export async function generateMetadata({ params }: Props): Promise<Metadata> {",
        "  const { slug } = await params;",
        f"  return {{ title: content.{items}.find((item) => item.slug === slug)?.title }};",
        "}",
        "",
        "export default async function Page({ params }: Props) {",
        "  const { slug } = await params;",
        f"  return <{name} slug={{slug}} />;",
        "}",
    )


def svelte(header: str, pages: list[Page]) -> dict[str, str]:
    made = {
        "src/routes/+layout.svelte": _lines(
            '<script lang="ts">',
            '  import "../app.css";',
            '  import Footer from "../lib/components/Footer.svelte";',
            f'  import {header} from "../lib/components/{header}.svelte";',
            '  import type { LayoutProps } from "./$types";',
            "",
            "  let { children }: LayoutProps = $props();",
            "</script>",
            "",
            '<div id="top" class="flex min-h-dvh flex-col">',
            f"  <{header} />",
            "  {@render children()}",
            "  <Footer />",
            "</div>",
        ),
        "src/routes/+page.svelte": _lines(
            '<script lang="ts">',
            '  import { content } from "../lib/content";',
            '  import Home from "../lib/pages/Home.svelte";',
            "</script>",
            "",
            "<svelte:head>",
            "  <title>{content.title}</title>",
            '  <meta name="description" content={content.lede} />',
            "</svelte:head>",
            "",
            "<Home />",
        ),
    }
    for page in pages:
        path = "src/routes" + re.sub(r":(\w+)", r"[\1]", page["path"]) + "/+page.svelte"
        made[path] = _svelte_page(page, "../" * (path.count("/") - 1) + "lib/")
    return made


def _svelte_page(page: Page, lib: str) -> str:
    name = page["view"]
    head = [
        '<script lang="ts">',
        f'  import {{ content }} from "{lib}content";',
        f'  import {name} from "{lib}pages/{name}.svelte";',
    ]
    if ":slug" in page["path"]:
        head += [
            '  import type { PageProps } from "./$types";',
            "",
            "  let { params }: PageProps = $props();",
            f"  const item = $derived(content.{page['items']}.find((one) => one.slug === params.slug));",
        ]
        title = "{item?.title ?? content.title} – {content.name}"
        shown = ["{#key params.slug}", f"  <{name} slug={{params.slug}} />", "{/key}"]
    else:
        title, shown = f"{page['title']} – {{content.name}}", [f"<{name} />"]
    return _lines(*head, "</script>", "", "<svelte:head>", f"  <title>{title}</title>", "</svelte:head>", "", *shown)


def angular(header: str, pages: list[Page]) -> dict[str, str]:
    imports = [f'import {{ {n} }} from "./pages/{kebab(n)}";' for n in sorted(["Home", *(p["view"] for p in pages)])]
    routes = ['  { path: "", component: Home, title: content.title },']
    for page in pages:
        title = f", title: `{page['title']} – ${{content.name}}`" if "title" in page else ", title: content.title"
        routes.append(f'  {{ path: "{page["path"][1:]}", component: {page["view"]}{title} }},')
    parts = ", ".join(sorted(["Footer", header, "RouterOutlet"]))
    features = 'withComponentInputBinding(), withInMemoryScrolling({ scrollPositionRestoration: "top" })'
    return {
        "src/app/app.ts": _lines(
            'import { Component } from "@angular/core";',
            'import { RouterOutlet } from "@angular/router";',
            'import { Footer } from "./components/footer";',
            f'import {{ {header} }} from "./components/{kebab(header)}";',
            "",
            "@Component({",
            '  selector: "app-root",',
            f"  imports: [{parts}],",
            '  templateUrl: "./app.html",',
            "})",
            "export class App {}",
        ),
        "src/app/app.html": _lines(
            '<div id="top" class="flex min-h-dvh flex-col">',
            f"  <app-{kebab(header)} />",
            "  <router-outlet />",
            "  <app-footer />",
            "</div>",
        ),
        "src/app/app.routes.ts": _lines(
            'import type { Routes } from "@angular/router";',
            'import { content } from "./content";',
            *imports,
            "",
            "export const routes: Routes = [",
            *routes,
            '  { path: "**", redirectTo: "" },',
            "];",
        ),
        "src/app/app.config.ts": _lines(
            'import { type ApplicationConfig, provideBrowserGlobalErrorListeners } from "@angular/core";',
            'import { provideRouter, withComponentInputBinding, withInMemoryScrolling } from "@angular/router";',
            'import { routes } from "./app.routes";',
            "",
            "export const appConfig: ApplicationConfig = {",
            "  providers: [",
            "    provideBrowserGlobalErrorListeners(),",
            f"    provideRouter(routes, {features}),",
            "  ],",
            "};",
        ),
    }
