"""The audit log: what staff did, when and to what. Written by the admin itself; here to read only."""

from django.contrib import admin
from django.contrib.admin.models import LogEntry

from usage.admin import ReadOnlyAdmin


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    list_display = ("action_time", "user", "content_type", "object_repr", "change_message")
    list_filter = ("content_type",)
    search_fields = ("user__email", "object_repr__icontains", "object_id", "change_message__icontains")
    list_select_related = ("user", "content_type")
    ordering = ("-id",)
