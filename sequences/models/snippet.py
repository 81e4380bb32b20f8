"""Texts of a workspace that authors insert into emails: whole emails as templates, and snippets for a part of one."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower

from sequences.choices import SnippetKind
from sequences.models.scope import WorkspaceQuerySet
from sequences.models.workspace import Workspace


class Snippet(models.Model):
    """Inserted as text: a later change of the snippet changes no email that was written with it."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="snippets")
    kind = models.CharField(
        max_length=16,
        choices=SnippetKind.choices(),
        default=SnippetKind.SNIPPET.value,
        help_text="A template is a whole email with its subject, a snippet a part of a body.",
    )
    name = models.CharField(max_length=100)
    subject = models.CharField(max_length=500, blank=True, help_text="Of a template. Leave empty to keep the step's.")
    body = models.TextField(help_text="Markdown or HTML with merge fields, as in the body of an email step.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        verbose_name = "template or snippet"
        verbose_name_plural = "templates and snippets"
        constraints = [
            models.UniqueConstraint(models.F("workspace"), Lower("name"), name="snippet_name_once"),
            models.CheckConstraint(
                condition=models.Q(kind="template") | models.Q(subject=""), name="snippet_subject_of_template"
            ),
        ]

    def __str__(self) -> str:
        return self.name
