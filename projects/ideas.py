"""Prompts to begin with, for the landing page, the showcase and an empty list."""

from typing import NamedTuple


class Idea(NamedTuple):
    title: str
    prompt: str


# What the product is good at.
IDEAS = [
    Idea(
        "Bakery pricing",
        "A pricing page for a neighbourhood bakery called Crumb: three box sizes, opening hours, a hand-made feel",
    ),
    Idea(
        "Kanban board",
        "A kanban board with drag and drop, three columns, coloured labels, and everything kept in the browser",
    ),
    Idea(
        "Roastery dashboard",
        "A sales dashboard for a coffee roastery: revenue by week, best sellers, stock that runs low, light and dark",
    ),
    Idea(
        "Yoga by the sea",
        "A landing page for a small yoga studio by the sea, with a class timetable, teachers, and a sign-up form",
    ),
    Idea(
        "Pomodoro timer",
        "A pomodoro timer with a task list, sessions per task, and a quiet chime at the end of each round",
    ),
    Idea(
        "Photographer's portfolio",
        "A portfolio for a street photographer: full-bleed grid, a page per series, dark and quiet",
    ),
    Idea(
        "Reading list",
        "A to-do app for books: want to read, reading, finished, with ratings, notes and a yearly goal",
    ),
    Idea(
        "Festival programme",
        "A programme for a two-day music festival with stages, a filter by genre, and a personal plan",
    ),
    Idea(
        "Recipe box",
        "A recipe box with search, servings that rescale the ingredients, and a shopping list",
    ),
]
