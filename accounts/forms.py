"""Forms of the settings page."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from accounts.models import ApiToken, Theme, User


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("name", "theme")


class ThemeForm(forms.Form):
    theme = forms.ChoiceField(choices=Theme.choices)


class CodeThemeForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("code_theme",)


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]
    days = forms.TypedChoiceField(coerce=int, choices=[(30, "30 days"), (90, "90 days"), (365, "A year"), (0, "Never")])

    class Meta:
        model = ApiToken
        fields = ("name", "scope")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A script that names neither gets what tokens were before there was a choice.
        self.fields["scope"].required = self.fields["days"].required = False

    def clean_scope(self) -> str:
        return self.cleaned_data["scope"] or ApiToken.Scope.WRITE

    @property
    def expires(self) -> datetime | None:
        days = self.cleaned_data.get("days") or 0
        return timezone.now() + timedelta(days=days) if days else None


class DeleteForm(forms.Form):
    """Whoever deletes an account says so with its password; with no password of their own, with their address."""

    password = forms.CharField(widget=forms.PasswordInput, required=False)
    email = forms.CharField(required=False)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> None:
        if self.user.has_usable_password():
            if not self.user.check_password(self.cleaned_data.get("password", "")):
                self.add_error("password", "This is not your password.")
        elif self.cleaned_data.get("email", "").strip().lower() != self.user.email:
            self.add_error("email", "This is not the address of this account.")
