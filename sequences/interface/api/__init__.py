"""The bases of every API view: routing, serializers, errors, schema."""
