"""Workspaces, contacts, sequences, steps, enrollments. Enrollments are updated all day, so their pages keep room for the new version."""

import common.encryption
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.constraints
import django.db.models.deletion
import django.db.models.functions.text
import sequences.choices
import sequences.models.sequence
import sequences.models.workspace
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Account',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('domain', models.CharField(blank=True, max_length=253)),
                ('timezone', models.CharField(blank=True, max_length=64, validators=[sequences.models.workspace.validate_timezone])),
                ('engagement_score', models.IntegerField(db_default=0, default=0, editable=False, help_text="The sum of its contacts' scores, at most 100.")),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'ordering': ['name', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Workspace',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('slug', models.SlugField(unique=True)),
                ('timezone', models.CharField(default='UTC', max_length=64, validators=[sequences.models.workspace.validate_timezone])),
                ('postal_address', models.TextField(blank=True, help_text='Shown in the footer of every email.')),
                ('holiday_country', models.CharField(blank=True, help_text='ISO 3166, such as DE or US-CA.', max_length=16, validators=[sequences.models.workspace.validate_holiday_country])),
                ('extra_holidays', django.contrib.postgres.fields.ArrayField(base_field=models.DateField(), blank=True, default=list, size=None)),
                ('account_reply_policy', models.CharField(choices=[('ignore', 'Ignore'), ('delay', 'Delay'), ('pause', 'Pause'), ('stop', 'Stop')], default='ignore', max_length=16)),
                ('account_reply_delay_days', models.PositiveSmallIntegerField(default=7)),
                ('hand_written_policy', models.CharField(choices=[('ignore', 'Ignore'), ('pause', 'Pause')], db_default='ignore', default='ignore', help_text='When the owner of a mailbox emails an enrolled contact by hand: ignore it, or pause the enrollment.', max_length=16)),
                ('track_opens', models.BooleanField(db_default=True, default=True, help_text='Add an open-tracking pixel to emails. Each sequence can override this.')),
                ('track_clicks', models.BooleanField(db_default=True, default=True, help_text='Track clicks on links in emails. Each sequence can override this.')),
                ('answered_within_days', models.PositiveSmallIntegerField(db_default=90, default=90, help_text='Do not enroll contacts who replied in a sequence within this many days. 0 turns the rule off.')),
                ('parallel_sequences', models.BooleanField(db_default=False, default=False, help_text='Allow contacts to be in several sequences at the same time.')),
                ('cool_down_days', models.PositiveSmallIntegerField(db_default=0, default=0, help_text='Do not enroll contacts who got an email of a sequence within this many days. 0 turns the rule off.')),
                ('retention_days', models.PositiveIntegerField(default=730, help_text='Days after an enrollment ends until its log, texts and raw payloads are deleted. Messages are kept.')),
                ('retained_at', models.DateTimeField(editable=False, help_text='Enrollments that ended before this time have been cleaned up.', null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Contact',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(max_length=254)),
                ('first_name', models.CharField(blank=True, max_length=200)),
                ('last_name', models.CharField(blank=True, max_length=200)),
                ('title', models.CharField(blank=True, max_length=200)),
                ('phone', models.CharField(blank=True, max_length=64)),
                ('timezone', models.CharField(blank=True, max_length=64, validators=[sequences.models.workspace.validate_timezone])),
                ('fields', models.JSONField(blank=True, default=dict)),
                ('engagement_score', models.IntegerField(default=0)),
                ('score_due_at', models.DateTimeField(blank=True, editable=False, help_text='When it is computed again.', null=True)),
                ('erased_at', models.DateTimeField(blank=True, editable=False, help_text="When the person's data was erased.", null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('account', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='contacts', to='sequences.account')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='contacts', to='sequences.workspace')),
            ],
            options={
                'ordering': ['email', 'id'],
            },
        ),
        migrations.CreateModel(
            name='ErasureKey',
            fields=[
                ('workspace', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='sequences.workspace')),
                ('key', common.encryption.SecretsField()),
            ],
        ),
        migrations.AddField(
            model_name='account',
            name='workspace',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='accounts', to='sequences.workspace'),
        ),
        migrations.CreateModel(
            name='LoginFailure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64)),
                ('failed_at', models.DateTimeField(db_index=True)),
            ],
            options={
                'indexes': [models.Index(fields=['key', 'failed_at'], name='login_failure_of_key')],
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('sdr', 'SDR'), ('manager', 'Manager'), ('admin', 'Admin')], default='sdr', max_length=16)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='sequences.workspace')),
            ],
            options={
                'ordering': ['workspace_id', 'user_id'],
            },
        ),
        migrations.CreateModel(
            name='Sequence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('description', models.TextField(blank=True)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('active', 'Active'), ('paused', 'Paused'), ('archived', 'Archived')], default='draft', max_length=16)),
                ('pause_reason', models.CharField(blank=True, max_length=500)),
                ('paused_by', models.CharField(blank=True, max_length=200)),
                ('window', models.JSONField(blank=True, default=dict, help_text='Such as {"timezone": "contact", "mon-fri": ["09:00-17:00"]}. Default: Monday to Friday 09:00-17:00.', validators=[sequences.models.sequence.validate_window])),
                ('track_opens', models.BooleanField(blank=True, help_text='Unknown uses the setting of the workspace.', null=True)),
                ('track_clicks', models.BooleanField(blank=True, help_text='Unknown uses the setting of the workspace.', null=True)),
                ('on_reply', models.CharField(choices=[('stop', 'Stop'), ('continue', 'Continue')], db_default='stop', default='stop', help_text='Stop ends the enrollment when the contact replies. With Continue, branches can check for replies.', max_length=16)),
                ('priority', models.PositiveSmallIntegerField(default=50, help_text='From 0 (first) to 100 (last). The default is 50.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sequences', to='sequences.workspace')),
            ],
            options={
                'ordering': ['name', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Step',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('type', models.CharField(choices=sequences.choices.StepType.choices, max_length=32)),
                ('name', models.CharField(blank=True, max_length=200)),
                ('delay_days', models.PositiveIntegerField(default=0, validators=[django.core.validators.MaxValueValidator(730)])),
                ('delay_hours', models.PositiveIntegerField(default=0, validators=[django.core.validators.MaxValueValidator(17520)])),
                ('delay_minutes', models.PositiveIntegerField(default=0, validators=[django.core.validators.MaxValueValidator(1051200)])),
                ('skip_weekends', models.BooleanField(default=False)),
                ('send_time', models.TimeField(blank=True, null=True)),
                ('subject', models.CharField(blank=True, help_text='Liquid. Leave empty to reply in the same thread.', max_length=500)),
                ('body', models.TextField(blank=True, help_text='Liquid in Markdown, or in HTML when it starts with a block element.')),
                ('format', models.CharField(choices=[('auto', 'Auto'), ('markdown', 'Markdown'), ('html', 'HTML')], db_default='auto', default='auto', help_text='How the body is written. By default HTML when it starts with a block element, else Markdown.', max_length=16)),
                ('repeat', models.BooleanField(db_default=False, default=False, help_text='Send it also to a contact who has had the same text. By default it is skipped.')),
                ('task_type', models.CharField(choices=[('call', 'Call'), ('linkedin', 'LinkedIn'), ('generic', 'Generic'), ('manual_email', 'Manual email')], default='generic', max_length=16)),
                ('task_priority', models.CharField(choices=[('low', 'Low'), ('normal', 'Normal'), ('high', 'High')], default='normal', max_length=16)),
                ('instructions', models.TextField(blank=True, help_text='Liquid.')),
                ('wait_for_completion', models.BooleanField(default=False, help_text='Wait until the task is completed. By default the enrollment continues at once.')),
                ('condition_type', models.CharField(blank=True, choices=sequences.choices.ConditionType.choices, max_length=32)),
                ('condition_config', models.JSONField(blank=True, default=dict, help_text='Such as {"wait_hours": 48}, or {"field": "title", "operator": "is_set"}.')),
                ('content_hash', models.GeneratedField(db_persist=True, expression=sequences.models.sequence.ContentHash('subject', 'body'), output_field=models.UUIDField())),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('if_false_goto', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='sequences.step', verbose_name='if no, go to')),
                ('if_true_goto', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='sequences.step', verbose_name='if yes, go to')),
                ('sequence', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='sequences.sequence')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='sequences.workspace')),
            ],
            options={
                'ordering': ['sequence_id', 'number'],
            },
        ),
        migrations.CreateModel(
            name='Enrollment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('active', 'Active'), ('paused', 'Paused'), ('quarantined', 'Quarantined'), ('completed', 'Completed'), ('replied', 'Replied'), ('auto_exited', 'Stopped')], default='active', max_length=16)),
                ('visit', models.PositiveIntegerField(default=1, help_text='Counts the steps entered; names one run of a step.')),
                ('previous_ended_at', models.DateTimeField(help_text='When the previous step ended; the delay counts from here.')),
                ('next_step_at', models.DateTimeField(blank=True, help_text='When the step is due.', null=True)),
                ('wake_at', models.DateTimeField(blank=True, help_text='When the engine processes the enrollment next.', null=True)),
                ('priority', models.SmallIntegerField(default=50)),
                ('retry_count', models.PositiveSmallIntegerField(default=0)),
                ('retry_at', models.DateTimeField(blank=True, null=True)),
                ('last_error', models.TextField(blank=True)),
                ('instant_transitions', models.PositiveSmallIntegerField(default=0)),
                ('pause_reason', models.CharField(blank=True, max_length=500)),
                ('paused_by', models.CharField(blank=True, max_length=200)),
                ('paused_at', models.DateTimeField(blank=True, null=True)),
                ('resume_at', models.DateTimeField(blank=True, null=True)),
                ('resumed_at', models.DateTimeField(blank=True, null=True)),
                ('emails_sent', models.PositiveIntegerField(default=0)),
                ('steps_completed', models.PositiveIntegerField(default=0)),
                ('auto_exit_reason', models.CharField(blank=True, choices=[('replied', 'Replied'), ('unsubscribed', 'Unsubscribed'), ('bounced', 'Bounced'), ('complained', 'Complained'), ('account_replied', 'Account replied'), ('suppressed', 'Suppressed'), ('manual', 'Manual'), ('sequence_archived', 'Sequence archived'), ('goal_met', 'Goal met'), ('left_company', 'Left company')], max_length=32)),
                ('again_reason', models.CharField(blank=True, db_default='', help_text='The reason for overriding a rule of enrolling. Empty when no rule was overridden.', max_length=500)),
                ('again_by', models.CharField(blank=True, db_default='', help_text='Who overrode the rule.', max_length=200)),
                ('enrolled_at', models.DateTimeField()),
                ('completed_at', models.DateTimeField(blank=True, help_text='When it ended, for any reason.', null=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('contact', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='enrollments', to='sequences.contact')),
                ('owner', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='enrollments', to=settings.AUTH_USER_MODEL)),
                ('workspace', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='enrollments', to='sequences.workspace')),
                ('sequence', models.ForeignKey(on_delete=django.db.models.deletion.RESTRICT, related_name='enrollments', to='sequences.sequence')),
                ('current_step', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='sequences.step')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='UserSettings',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reply_notices', models.CharField(choices=[('off', 'Off'), ('at_once', 'At once'), ('daily', 'Daily')], default='at_once', help_text='When an email tells about new replies to own enrollments and mailboxes.', max_length=8)),
                ('digest_sent_at', models.DateTimeField(editable=False, null=True)),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='own_settings', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'user settings',
            },
        ),
        migrations.CreateModel(
            name='ErasedAddress',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64)),
                ('erased_at', models.DateTimeField()),
                ('workspace', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sequences.workspace')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('workspace', 'digest'), name='erased_address_once')],
            },
        ),
        migrations.AddIndex(
            model_name='contact',
            index=models.Index(fields=['workspace', '-engagement_score', '-id'], name='contact_score'),
        ),
        migrations.AddIndex(
            model_name='contact',
            index=models.Index(condition=models.Q(('score_due_at__isnull', False)), fields=['score_due_at'], name='contact_score_due'),
        ),
        migrations.AddConstraint(
            model_name='contact',
            constraint=models.UniqueConstraint(models.F('workspace'), django.db.models.functions.text.Lower('email'), name='contact_email_once'),
        ),
        migrations.AddConstraint(
            model_name='contact',
            constraint=models.CheckConstraint(condition=models.Q(('email__regex', "^(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$")), name='contact_email_form'),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.UniqueConstraint(models.F('workspace'), django.db.models.functions.text.Lower('domain'), condition=models.Q(('domain', ''), _negated=True), name='account_domain_once'),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(('domain', ''), ('domain__regex', '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$'), _connector='OR'), name='account_domain_form'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.UniqueConstraint(fields=('workspace', 'user'), name='membership_once'),
        ),
        migrations.AddConstraint(
            model_name='sequence',
            constraint=models.UniqueConstraint(fields=('workspace', 'name'), name='sequence_name_once'),
        ),
        migrations.AddConstraint(
            model_name='sequence',
            constraint=models.CheckConstraint(condition=models.Q(('priority__lte', 100)), name='sequence_priority_range'),
        ),
        migrations.AddConstraint(
            model_name='sequence',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'paused'), _negated=True), models.Q(('pause_reason', ''), _negated=True), _connector='OR'), name='sequence_paused_has_reason'),
        ),
        migrations.AddConstraint(
            model_name='step',
            constraint=models.UniqueConstraint(deferrable=django.db.models.constraints.Deferrable['DEFERRED'], fields=('sequence', 'number'), name='step_number_once'),
        ),
        migrations.AddIndex(
            model_name='enrollment',
            index=models.Index(condition=models.Q(('wake_at__isnull', False)), fields=['wake_at', 'id'], name='enrollment_wake'),
        ),
        migrations.AddIndex(
            model_name='enrollment',
            index=models.Index(fields=['contact', 'status'], name='enrollment_contact'),
        ),
        migrations.AddIndex(
            model_name='enrollment',
            index=models.Index(fields=['workspace', 'status', 'next_step_at'], name='enrollment_queue'),
        ),
        migrations.AddIndex(
            model_name='enrollment',
            index=models.Index(fields=['next_step_at', 'id'], name='enrollment_due'),
        ),
        migrations.AddIndex(
            model_name='enrollment',
            index=models.Index(condition=models.Q(('retry_count__gt', 0), ('status', 'quarantined'), _connector='OR'), fields=['workspace', 'status', 'next_step_at'], name='enrollment_trouble'),
        ),
        migrations.AddIndex(
            model_name='enrollment',
            index=models.Index(condition=models.Q(('completed_at__isnull', False)), fields=['workspace', 'completed_at'], name='enrollment_ended'),
        ),
        migrations.AddIndex(
            model_name='enrollment',
            index=models.Index(condition=models.Q(('owner__isnull', False)), fields=['owner'], name='enrollment_owner'),
        ),
        migrations.AddConstraint(
            model_name='enrollment',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['active', 'paused', 'quarantined'])), fields=('sequence', 'contact'), include=('current_step',), name='enrollment_live_once'),
        ),
        migrations.AddConstraint(
            model_name='enrollment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['completed', 'replied', 'auto_exited']), _negated=True), models.Q(('next_step_at__isnull', True), ('wake_at__isnull', True)), _connector='OR'), name='enrollment_ended_sleeps'),
        ),
        migrations.AddConstraint(
            model_name='enrollment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['completed', 'replied', 'auto_exited']), _negated=True), ('completed_at__isnull', False), _connector='OR'), name='enrollment_ended_has_time'),
        ),
        migrations.AddConstraint(
            model_name='enrollment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'paused'), _negated=True), models.Q(models.Q(('pause_reason', ''), _negated=True), ('paused_at__isnull', False)), _connector='OR'), name='enrollment_paused_has_reason'),
        ),
        migrations.AddConstraint(
            model_name='enrollment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['auto_exited', 'replied']), _negated=True), models.Q(('auto_exit_reason', ''), _negated=True), _connector='OR'), name='enrollment_exited_has_reason'),
        ),
        migrations.AddConstraint(
            model_name='enrollment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'quarantined'), _negated=True), models.Q(('last_error', ''), _negated=True), _connector='OR'), name='enrollment_quarantined_has_error'),
        ),
        migrations.RunSQL(
            "ALTER TABLE sequences_enrollment SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, "
            "autovacuum_vacuum_cost_delay = 1)",
            migrations.RunSQL.noop,
        ),
    ]
