"""Forms of the settings page."""

from django import forms

from accounts.models import ApiToken, Theme, User


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("name", "theme")


class ThemeForm(forms.Form):
    theme = forms.ChoiceField(choices=Theme.choices)


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = ApiToken
        fields = ("name",)
