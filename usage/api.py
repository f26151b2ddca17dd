"""REST: the balance and the ledger."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from usage import services
from usage.models import Entry

PAGE = 100


class EntrySerializer(serializers.ModelSerializer[Entry]):
    class Meta:
        model = Entry
        fields = ("id", "kind", "amount", "note", "created")
        read_only_fields = fields


class UsageSerializer(serializers.Serializer[Any]):
    """Whole micro-credits: 1 credit is 1 000 000."""

    balance = serializers.IntegerField(help_text="The sum of the ledger.")
    reserved = serializers.IntegerField(help_text="Held back for runs under way.")
    available = serializers.IntegerField()
    text = serializers.CharField(help_text="What is available, for people.")
    entries = EntrySerializer(many=True)
    next_before = serializers.IntegerField(allow_null=True, help_text="Pass as ?before= for older entries.")


class Usage(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("before", int, description="Entries older than this id.")],
        responses=UsageSerializer,
    )
    def get(self, request: Request) -> Response:
        """What the signed-in user has, and the newest hundred lines of the ledger."""
        assert isinstance(request.user, User)  # IsAuthenticated
        account = services.account_of(request.user)
        entries = account.entries.order_by("-id")
        if before := request.query_params.get("before", ""):
            if not before.isdecimal() or len(before) > 18:
                raise ValidationError({"before": ["The id of an entry."]})
            entries = entries.filter(pk__lt=int(before))
        page = list(entries[: PAGE + 1])
        body = {
            "balance": account.balance,
            "reserved": account.reserved,
            "available": account.available,
            "text": services.at_hand(account.available),
            "entries": page[:PAGE],
            "next_before": page[PAGE - 1].pk if len(page) > PAGE else None,
        }
        return Response(UsageSerializer(body).data)
