"""Logs, quarantine, workers, alerts, API keys, webhooks."""

import common.encryption
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('sequences', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Worker',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('kind', models.CharField(max_length=32)),
                ('started_at', models.DateTimeField()),
                ('heartbeat_at', models.DateTimeField(db_index=True)),
                ('stopped_at', models.DateTimeField(null=True)),
                ('last_processed_at', models.DateTimeField(null=True)),
                ('decided', models.PositiveBigIntegerField(default=0)),
                ('delivered', models.PositiveBigIntegerField(default=0)),
            ],
            options={
                'ordering': ['-heartbeat_at'],
            },
        ),
        migrations.CreateModel(
            name='ApiKey',
            fields=[
                ('digest', models.CharField(max_length=128, primary_key=True, serialize=False)),
                ('token_key', models.CharField(db_index=True, max_length=25)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('expiry', models.DateTimeField(blank=True, null=True)),
                ('name', models.CharField(help_text='Who or what uses it.', max_length=100)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='auth_token_set', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'API key',
                'ordering': ['-created'],
            },
        ),
        migrations.CreateModel(
            name='WebhookSubscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('url', models.URLField(max_length=500)),
                ('events', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), help_text='Names of events; `*` for all.', size=None)),
                ('secret', common.encryption.SecretsField(blank=True, default=dict)),
                ('is_active', models.BooleanField(default=True)),
                ('created_by', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField()),
                ('scanned_at', models.DateTimeField()),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='webhooks', to='sequences.workspace')),
            ],
            options={
                'verbose_name': 'webhook',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200)),
                ('title', models.CharField(max_length=300)),
                ('remedy', models.TextField(blank=True)),
                ('link', models.CharField(blank=True, max_length=500)),
                ('raised_at', models.DateTimeField()),
                ('seen_at', models.DateTimeField()),
                ('notified_at', models.DateTimeField(null=True)),
                ('cleared_at', models.DateTimeField(null=True)),
                ('workspace', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='alerts', to='sequences.workspace')),
            ],
            options={
                'ordering': ['-raised_at'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('cleared_at__isnull', True)), fields=('key',), name='alert_open_once')],
            },
        ),
        migrations.CreateModel(
            name='ControlLog',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('target', models.CharField(choices=[('executor', 'Executor'), ('sequence', 'Sequence'), ('mailbox', 'Mailbox'), ('contact', 'Contact'), ('account', 'Account'), ('webhook', 'Webhook'), ('workspace', 'Workspace')], max_length=16)),
                ('target_id', models.BigIntegerField(null=True)),
                ('label', models.CharField(blank=True, max_length=254)),
                ('action', models.CharField(choices=[('created', 'Created'), ('edited', 'Edited'), ('deleted', 'Deleted'), ('activated', 'Activated'), ('paused', 'Paused'), ('resumed', 'Resumed'), ('archived', 'Archived'), ('erased', 'Erased')], max_length=16)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('changes', models.JSONField(blank=True, db_default=[], default=list)),
                ('actor', models.CharField(max_length=200)),
                ('at', models.DateTimeField()),
                ('workspace', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='control_logs', to='sequences.workspace')),
            ],
            options={
                'ordering': ['-at', '-id'],
                'indexes': [models.Index(fields=['target', 'target_id', '-at'], name='control_log_target')],
            },
        ),
        migrations.CreateModel(
            name='DeadLetter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('error_class', models.CharField(max_length=64)),
                ('error', models.TextField()),
                ('error_trace', models.TextField(blank=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('facts', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField()),
                ('resolution', models.CharField(blank=True, choices=[('replayed', 'Replayed'), ('discarded', 'Discarded'), ('skipped', 'Skipped'), ('exited', 'Exited')], max_length=16)),
                ('resolved_by', models.CharField(blank=True, max_length=200)),
                ('resolved_at', models.DateTimeField(blank=True, null=True)),
                ('enrollment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='dead_letters', to='sequences.enrollment')),
                ('step', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='sequences.step')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='dead_letters', to='sequences.workspace')),
            ],
            options={
                'verbose_name': 'failed enrollment',
                'ordering': ['-created_at', '-id'],
                'indexes': [models.Index(fields=['created_at'], name='dead_letter_created')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('resolved_at__isnull', True)), fields=('enrollment',), name='dead_letter_open_once'), models.CheckConstraint(condition=models.Q(('resolved_at__isnull', True), models.Q(('resolution', ''), _negated=True), _connector='OR'), name='dead_letter_resolved_how')],
            },
        ),
        migrations.CreateModel(
            name='ExecutionLog',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('step_number', models.PositiveIntegerField(null=True)),
                ('step_type', models.CharField(blank=True, max_length=32)),
                ('at', models.DateTimeField()),
                ('action', models.CharField(choices=[('enrolled', 'Enrolled'), ('queued', 'Queued'), ('executed', 'Executed'), ('waiting', 'Waiting'), ('branched', 'Branched'), ('skipped', 'Skipped'), ('moved', 'Moved'), ('replanned', 'Replanned'), ('failed', 'Failed'), ('retried', 'Retried'), ('quarantined', 'Quarantined'), ('paused', 'Paused'), ('resumed', 'Resumed'), ('snoozed', 'Snoozed'), ('exited', 'Exited'), ('completed', 'Completed'), ('resolved', 'Resolved'), ('task_completed', 'Task completed'), ('task_changed', 'Task changed'), ('classified', 'Classified'), ('answered', 'Answered')], max_length=24)),
                ('status', models.CharField(choices=[('ok', 'OK'), ('waiting', 'Waiting'), ('error', 'Error')], default='ok', max_length=16)),
                ('message', models.TextField(blank=True)),
                ('error', models.TextField(blank=True)),
                ('actor', models.CharField(max_length=200)),
                ('details', models.JSONField(default=dict)),
                ('enrollment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='logs', to='sequences.enrollment')),
                ('step', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='sequences.step')),
                ('workspace', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sequences.workspace')),
            ],
            options={
                'ordering': ['-at', '-id'],
                'indexes': [models.Index(fields=['enrollment', '-at', '-id'], name='log_enrollment'), django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['at'], name='log_at')],
            },
        ),
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=255)),
                ('path', models.CharField(max_length=500)),
                ('body_hash', models.CharField(max_length=64)),
                ('status_code', models.PositiveSmallIntegerField(null=True)),
                ('response', models.JSONField(null=True)),
                ('created_at', models.DateTimeField(db_index=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'key'), name='idempotency_key_once')],
            },
        ),
        migrations.CreateModel(
            name='WebhookDelivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fact', models.CharField(max_length=64)),
                ('event', models.CharField(max_length=40)),
                ('payload', models.JSONField()),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('delivered', 'Delivered'), ('failed', 'Failed')], default='pending', max_length=16)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('next_attempt_at', models.DateTimeField(null=True)),
                ('give_up_at', models.DateTimeField()),
                ('lease_token', models.UUIDField(null=True)),
                ('leased_until', models.DateTimeField(null=True)),
                ('status_code', models.PositiveSmallIntegerField(null=True)),
                ('response', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField()),
                ('delivered_at', models.DateTimeField(null=True)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sequences.workspace')),
                ('subscription', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='execution.webhooksubscription')),
            ],
            options={
                'verbose_name': 'webhook delivery',
                'verbose_name_plural': 'webhook deliveries',
                'ordering': ['-id'],
                'indexes': [models.Index(condition=models.Q(('state', 'pending')), fields=['subscription', 'next_attempt_at'], name='webhook_due')],
                'constraints': [models.UniqueConstraint(fields=('subscription', 'fact'), name='webhook_fact_once')],
            },
        ),
    ]
