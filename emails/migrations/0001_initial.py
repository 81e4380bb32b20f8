"""Messages, events, mailboxes, limits, suppressions, the pause of the executor; storage of hot tables and their partial indexes."""

import common.encryption
import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
import emails.models.mailbox
import sequences.models.workspace
import uuid
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
            name='Mailbox',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.EmailField(max_length=254)),
                ('display_name', models.CharField(blank=True, max_length=200)),
                ('aliases', django.contrib.postgres.fields.ArrayField(base_field=models.EmailField(max_length=254), blank=True, default=list, size=None)),
                ('timezone', models.CharField(blank=True, max_length=64, validators=[sequences.models.workspace.validate_timezone])),
                ('signature', models.TextField(blank=True, help_text='Markdown or HTML, added below every email.')),
                ('transport', models.CharField(choices=[('smtp', 'SMTP'), ('amazon_ses', 'Amazon SES'), ('brevo', 'Brevo'), ('mailersend', 'MailerSend'), ('mailgun', 'Mailgun'), ('mailjet', 'Mailjet'), ('mailtrap', 'Mailtrap'), ('mandrill', 'Mandrill'), ('postal', 'Postal'), ('postmark', 'Postmark'), ('resend', 'Resend'), ('scaleway', 'Scaleway'), ('sendgrid', 'SendGrid'), ('sparkpost', 'SparkPost'), ('unisender_go', 'Unisender Go')], default='smtp', max_length=32)),
                ('transport_options', models.JSONField(blank=True, default=dict, help_text='ESP settings that are not secret.')),
                ('smtp_host', models.CharField(blank=True, max_length=253)),
                ('smtp_port', models.PositiveIntegerField(default=587)),
                ('smtp_security', models.CharField(choices=[('starttls', 'STARTTLS'), ('tls', 'TLS'), ('none', 'None')], default='starttls', max_length=16)),
                ('smtp_username', models.CharField(blank=True, max_length=254)),
                ('auth_method', models.CharField(choices=[('none', 'None'), ('password', 'Password'), ('google', 'Google'), ('microsoft', 'Microsoft')], default='password', max_length=16)),
                ('credentials', common.encryption.SecretsField(blank=True, default=dict)),
                ('connections', models.PositiveSmallIntegerField(default=1, help_text='Parallel connections. More than 1 only for ESPs.')),
                ('inbound', models.CharField(choices=[('none', 'None'), ('imap', 'IMAP'), ('webhook', 'Webhook')], default='none', max_length=16)),
                ('imap_host', models.CharField(blank=True, max_length=253)),
                ('imap_port', models.PositiveIntegerField(default=993)),
                ('imap_security', models.CharField(choices=[('starttls', 'STARTTLS'), ('tls', 'TLS'), ('none', 'None')], default='tls', max_length=16)),
                ('imap_username', models.CharField(blank=True, max_length=254)),
                ('hook_key', models.UUIDField(db_default=django.contrib.postgres.functions.RandomUUID(), default=uuid.uuid4, editable=False, help_text='The secret part of its webhook addresses.', unique=True)),
                ('inbox_read_at', models.DateTimeField(blank=True, help_text='When the inbox was last read successfully.', null=True)),
                ('status', models.CharField(choices=[('active', 'Active'), ('paused', 'Paused'), ('broken', 'Broken')], default='active', max_length=16)),
                ('status_reason', models.CharField(blank=True, max_length=500)),
                ('status_actor', models.CharField(blank=True, max_length=200)),
                ('status_at', models.DateTimeField(blank=True, null=True)),
                ('gap_seconds', models.PositiveIntegerField(default=emails.models.mailbox.default_gap_seconds)),
                ('jitter_seconds', models.PositiveIntegerField(default=emails.models.mailbox.default_jitter_seconds)),
                ('ramp_enabled', models.BooleanField(default=True)),
                ('ramp_start', models.PositiveIntegerField(default=10, help_text='Messages on the first sending day.')),
                ('ramp_step', models.PositiveIntegerField(default=5, help_text='Additional messages on each further sending day.')),
                ('ramp_allowance', models.PositiveIntegerField(default=0, help_text='Messages in 24 hours during the ramp-up.')),
                ('ramp_day', models.DateField(blank=True, help_text='The last sending day that was counted.', null=True)),
                ('lane_at', models.DateTimeField(blank=True, help_text='When a worker processes the lane next.', null=True)),
                ('lane_held_by', models.CharField(blank=True, help_text='What holds the lane, as code: detail.', max_length=200)),
                ('next_slot_at', models.DateTimeField(blank=True, help_text='The earliest next send by send spacing.', null=True)),
                ('lease_token', models.UUIDField(blank=True, null=True)),
                ('leased_until', models.DateTimeField(blank=True, null=True)),
                ('leased_by', models.CharField(blank=True, max_length=200)),
                ('breaker_state', models.CharField(choices=[('closed', 'Closed'), ('open', 'Open'), ('half_open', 'Half open')], default='closed', max_length=16)),
                ('breaker_failures', models.PositiveIntegerField(default=0)),
                ('breaker_trips', models.PositiveIntegerField(default=0)),
                ('breaker_until', models.DateTimeField(blank=True, null=True)),
                ('breaker_error', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='mailboxes', to=settings.AUTH_USER_MODEL)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mailboxes', to='sequences.workspace')),
            ],
            options={
                'verbose_name_plural': 'mailboxes',
                'ordering': ['address'],
            },
        ),
        migrations.CreateModel(
            name='EmailMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('visit', models.PositiveIntegerField()),
                ('recipient', models.EmailField(max_length=254)),
                ('recipient_domain', models.CharField(max_length=253)),
                ('is_first_touch', models.BooleanField(default=False)),
                ('is_answer', models.BooleanField(db_default=False, default=False, help_text="A user's answer to a reply: no step of the sequence, and sent after the enrollment has ended too.")),
                ('status', models.CharField(choices=[('queued', 'Queued'), ('sending', 'Sending'), ('sent', 'Sent'), ('failed', 'Failed'), ('withheld', 'Withheld'), ('unknown', 'Unknown')], default='queued', max_length=16)),
                ('message_id', models.CharField(help_text='RFC 5322 Message-ID, fixed when queued.', max_length=255)),
                ('priority', models.SmallIntegerField(default=50)),
                ('due_at', models.DateTimeField()),
                ('queued_at', models.DateTimeField()),
                ('lane_order_at', models.DateTimeField(help_text='Due time adjusted by priority: the order in the sending queue.')),
                ('send_after_at', models.DateTimeField(help_text='Not sent before then (sending window, domain limits, retry).')),
                ('held_by', models.CharField(blank=True, help_text='What holds it until then, as code: detail.', max_length=200)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('lease_token', models.UUIDField(null=True)),
                ('leased_until', models.DateTimeField(null=True)),
                ('handed_over_at', models.DateTimeField(help_text='When the last attempt began; send limits count it.', null=True)),
                ('earlier_handed_over_at', django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), default=list, help_text='Earlier attempts of unknown outcome, before it was sent again.', size=None)),
                ('sent_at', models.DateTimeField(null=True)),
                ('unknown_at', models.DateTimeField(null=True)),
                ('withheld_reason', models.CharField(blank=True, max_length=64)),
                ('error_class', models.CharField(blank=True, choices=[('recipient_permanent', 'Recipient permanent'), ('recipient_temporary', 'Recipient temporary'), ('content', 'Content'), ('mailbox', 'Mailbox'), ('server', 'Server'), ('template', 'Template'), ('unclassified', 'Unclassified'), ('bug', 'Bug')], max_length=32)),
                ('error_code', models.CharField(blank=True, help_text='SMTP code and RFC 3463 enhanced status.', max_length=32)),
                ('error', models.TextField(blank=True)),
                ('error_trace', models.TextField(blank=True)),
                ('failed_at', models.DateTimeField(null=True)),
                ('provider_message_id', models.CharField(blank=True, max_length=255)),
                ('content_hash', models.UUIDField(help_text='Subject and body before personalisation, as a hash: what the contact got with it.', null=True)),
                ('in_reply_to', models.CharField(blank=True, max_length=255)),
                ('subject', models.CharField(blank=True, max_length=500)),
                ('text', models.TextField(blank=True)),
                ('html', models.TextField(blank=True)),
                ('resolved_by', models.CharField(blank=True, max_length=200)),
                ('resolved_at', models.DateTimeField(null=True)),
                ('resolution', models.CharField(blank=True, max_length=200)),
                ('contact', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='sequences.contact')),
                ('enrollment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='sequences.enrollment')),
                ('owner', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('step', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='sequences.step')),
                ('workspace', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sequences.workspace')),
                ('mailbox', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.RESTRICT, related_name='messages', to='emails.mailbox')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='ExecutorState',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('is_paused', models.BooleanField(default=False)),
                ('paused_by', models.CharField(blank=True, max_length=200)),
                ('paused_reason', models.CharField(blank=True, max_length=500)),
                ('changed_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name': 'executor',
                'verbose_name_plural': 'executor',
                'db_table': 'execution_executorstate',
                'permissions': [('operate_executor', 'Can pause and resume the executor of the installation')],
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='executor_state_single'), models.CheckConstraint(condition=models.Q(('is_paused', False), models.Q(('paused_reason', ''), _negated=True), _connector='OR'), name='executor_paused_has_reason')],
            },
        ),
        migrations.CreateModel(
            name='InboxState',
            fields=[
                ('mailbox', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='inbox_state', serialize=False, to='emails.mailbox')),
                ('folder', models.CharField(default='INBOX', max_length=255)),
                ('uidvalidity', models.BigIntegerField(blank=True, null=True)),
                ('last_uid', models.BigIntegerField(default=0)),
                ('folders', models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict)),
                ('folders_checked_at', models.DateTimeField(blank=True, help_text='When the spam and Sent folders were last read.', null=True)),
                ('checked_at', models.DateTimeField(blank=True, help_text='When the inbox was last checked.', null=True)),
                ('sent_checked_at', models.DateTimeField(blank=True, help_text='When the Sent folder was last searched.', null=True)),
                ('watched_until', models.DateTimeField(blank=True, help_text='A process watches the inbox with IDLE until then.', null=True)),
                ('last_error', models.CharField(blank=True, max_length=500)),
                ('failures', models.PositiveIntegerField(default=0, help_text='Consecutive failures; each doubles the pause before the next check.')),
                ('lease_token', models.UUIDField(blank=True, null=True)),
                ('leased_until', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='HookRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(max_length=32)),
                ('what', models.CharField(max_length=200)),
                ('payload', models.JSONField(blank=True, default=dict)),
                ('received_at', models.DateTimeField(db_index=True)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sequences.workspace')),
                ('mailbox', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='hook_records', to='emails.mailbox')),
            ],
            options={
                'verbose_name': 'record set aside',
                'verbose_name_plural': 'records set aside',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='EmailEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('type', models.CharField(choices=[('delivered', 'Delivered'), ('opened', 'Opened'), ('clicked', 'Clicked'), ('replied', 'Replied'), ('auto_replied', 'Auto replied'), ('bounced', 'Bounced'), ('complained', 'Complained'), ('unsubscribed', 'Unsubscribed'), ('hand_written', 'Hand written'), ('left_company', 'Left company'), ('automated', 'Automated')], max_length=16)),
                ('bounce_type', models.CharField(blank=True, choices=[('hard', 'Hard'), ('soft', 'Soft'), ('blocked', 'Blocked')], max_length=8)),
                ('provider', models.CharField(help_text='The source: imap, tracking, mailgun …', max_length=32)),
                ('provider_event_id', models.CharField(max_length=255)),
                ('occurred_at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField()),
                ('until_at', models.DateTimeField(blank=True, help_text='Out of office: the return date.', null=True)),
                ('verdict', models.CharField(choices=[('human', 'Human'), ('machine', 'Machine'), ('pending', 'Pending')], default='human', max_length=8)),
                ('verdict_reason', models.CharField(blank=True, max_length=200)),
                ('confidence', models.PositiveSmallIntegerField(blank=True, help_text='Confidence of the verdict in percent.', null=True)),
                ('rules_version', models.PositiveSmallIntegerField(db_default=0, default=0, help_text='Version of the rules for the verdict.')),
                ('detail', models.TextField(blank=True)),
                ('payload', models.JSONField(blank=True, default=dict)),
                ('contact', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='sequences.contact')),
                ('enrollment', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='sequences.enrollment')),
                ('workspace', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sequences.workspace')),
                ('message', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='emails.emailmessage')),
                ('mailbox', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='emails.mailbox')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Reply',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sender', models.CharField(help_text='The address of the From header.', max_length=320)),
                ('sender_name', models.CharField(blank=True, max_length=300)),
                ('subject', models.CharField(blank=True, max_length=500)),
                ('header_id', models.CharField(blank=True, help_text='The Message-ID of the reply itself.', max_length=500)),
                ('answered_ids', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=1000), default=list, help_text='The Message-IDs it names, oldest first.', size=None)),
                ('header_date', models.CharField(blank=True, max_length=100)),
                ('text', models.TextField(blank=True, help_text='What the person wrote, without what they quote.')),
                ('quoted', models.TextField(blank=True)),
                ('html_text', models.TextField(blank=True, help_text='The HTML part as plain text, whole.')),
                ('attachments', models.JSONField(blank=True, default=list)),
                ('authentication', models.JSONField(blank=True, default=dict)),
                ('received_at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField()),
                ('kind', models.CharField(max_length=32)),
                ('found_intent', models.CharField(choices=[('interested', 'Interested'), ('not_interested', 'Not interested'), ('not_now', 'Not now'), ('referral', 'Referral'), ('opt_out', 'Opt out'), ('possible_opt_out', 'Possible opt out'), ('unclear', 'Unclear')], max_length=20)),
                ('intent', models.CharField(choices=[('interested', 'Interested'), ('not_interested', 'Not interested'), ('not_now', 'Not now'), ('referral', 'Referral'), ('opt_out', 'Opt out'), ('possible_opt_out', 'Possible opt out'), ('unclear', 'Unclear')], max_length=20)),
                ('intent_reason', models.CharField(blank=True, max_length=500)),
                ('until', models.DateField(blank=True, help_text='Not now: the day to write again.', null=True)),
                ('referral', models.CharField(blank=True, help_text='The address that it refers to.', max_length=320)),
                ('classified_by', models.CharField(blank=True, help_text='Who confirmed or corrected the intent.', max_length=200)),
                ('classified_at', models.DateTimeField(blank=True, null=True)),
                ('is_handled', models.BooleanField(default=False)),
                ('handled_by', models.CharField(blank=True, max_length=200)),
                ('handled_at', models.DateTimeField(blank=True, null=True)),
                ('notified_at', models.DateTimeField(blank=True, help_text='When its owner was told, or was not to be.', null=True)),
                ('contact', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='replies', to='sequences.contact')),
                ('enrollment', models.ForeignKey(help_text='Whose email it answers.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='replies', to='sequences.enrollment')),
                ('event', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='reply', to='emails.emailevent')),
                ('mailbox', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='emails.mailbox')),
                ('message', models.ForeignKey(help_text='The email it answers, as far as it is known.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='emails.emailmessage')),
                ('workspace', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sequences.workspace')),
            ],
            options={
                'verbose_name_plural': 'replies',
                'ordering': ['-received_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Answer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('written_by', models.CharField(max_length=200)),
                ('body', models.TextField(help_text='Markdown, without the signature.')),
                ('created_at', models.DateTimeField()),
                ('author', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('enrollment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sequences.enrollment')),
                ('workspace', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sequences.workspace')),
                ('message', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='answer', to='emails.emailmessage')),
                ('reply', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='answers', to='emails.reply')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='ReplyCorrection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('actor', models.CharField(max_length=200)),
                ('intent_before', models.CharField(choices=[('interested', 'Interested'), ('not_interested', 'Not interested'), ('not_now', 'Not now'), ('referral', 'Referral'), ('opt_out', 'Opt out'), ('possible_opt_out', 'Possible opt out'), ('unclear', 'Unclear')], max_length=20)),
                ('intent_after', models.CharField(choices=[('interested', 'Interested'), ('not_interested', 'Not interested'), ('not_now', 'Not now'), ('referral', 'Referral'), ('opt_out', 'Opt out'), ('possible_opt_out', 'Possible opt out'), ('unclear', 'Unclear')], max_length=20)),
                ('until_before', models.DateField(null=True)),
                ('until_after', models.DateField(null=True)),
                ('referral_before', models.CharField(blank=True, max_length=320)),
                ('referral_after', models.CharField(blank=True, max_length=320)),
                ('contact', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sequences.contact')),
                ('reply', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='corrections', to='emails.reply')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sequences.workspace')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='SendLimit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(choices=[('mailbox', 'Mailbox'), ('user', 'User'), ('workspace', 'Workspace'), ('recipient_domain', 'Recipient domain')], max_length=32)),
                ('window', models.CharField(choices=[('hour', 'Hour'), ('day', 'Day')], max_length=8)),
                ('maximum', models.PositiveIntegerField()),
                ('recipient_domain', models.CharField(blank=True, max_length=253)),
                ('first_touch_only', models.BooleanField(default=False, help_text='Apply only to the first email of each enrollment.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('mailbox', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='send_limits', to='emails.mailbox')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='send_limits', to=settings.AUTH_USER_MODEL)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='send_limits', to='sequences.workspace')),
            ],
            options={
                'ordering': ['scope', 'window', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Suppression',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('domain', models.CharField(blank=True, help_text='Exactly this domain, not its subdomains.', max_length=253)),
                ('reason', models.CharField(choices=[('unsubscribed', 'Unsubscribed'), ('bounced', 'Bounced'), ('complained', 'Complained'), ('left_company', 'Left company'), ('manual', 'Manual')], default='manual', max_length=16)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('actor', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(blank=True, help_text='Leave empty to suppress permanently.', null=True)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='suppressions', to='sequences.workspace')),
            ],
            options={
                'ordering': ['-created_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='SuppressionChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('domain', models.CharField(blank=True, max_length=253)),
                ('action', models.CharField(choices=[('added', 'Added'), ('extended', 'Extended'), ('removed', 'Removed'), ('expired', 'Expired')], max_length=16)),
                ('reason', models.CharField(choices=[('unsubscribed', 'Unsubscribed'), ('bounced', 'Bounced'), ('complained', 'Complained'), ('left_company', 'Left company'), ('manual', 'Manual')], max_length=16)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('actor', models.CharField(max_length=200)),
                ('at', models.DateTimeField()),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='sequences.workspace')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.AddIndex(
            model_name='mailbox',
            index=models.Index(condition=models.Q(('lane_at__isnull', False)), fields=['lane_at', 'id'], name='mailbox_lane'),
        ),
        migrations.AddConstraint(
            model_name='mailbox',
            constraint=models.UniqueConstraint(models.F('workspace'), django.db.models.functions.text.Lower('address'), name='mailbox_address_once'),
        ),
        migrations.AddConstraint(
            model_name='mailbox',
            constraint=models.CheckConstraint(condition=models.Q(('address__regex', "^(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$")), name='mailbox_address_form'),
        ),
        migrations.AddConstraint(
            model_name='mailbox',
            constraint=models.CheckConstraint(condition=models.Q(('status', 'active'), models.Q(('status_reason', ''), _negated=True), _connector='OR'), name='mailbox_stopped_has_reason'),
        ),
        migrations.AddConstraint(
            model_name='mailbox',
            constraint=models.CheckConstraint(condition=models.Q(('breaker_state', 'closed'), ('breaker_until__isnull', False), _connector='OR'), name='mailbox_breaker_has_time'),
        ),
        migrations.AddConstraint(
            model_name='mailbox',
            constraint=models.CheckConstraint(condition=models.Q(('lease_token__isnull', True), ('leased_until__isnull', False), _connector='OR'), name='mailbox_lease_has_time'),
        ),
        migrations.AddIndex(
            model_name='emailmessage',
            index=models.Index(condition=models.Q(('status', 'queued')), fields=['mailbox', 'lane_order_at', 'id'], name='message_lane'),
        ),
        migrations.AddIndex(
            model_name='emailmessage',
            index=models.Index(models.F('mailbox'), models.Func('provider_message_id', models.Value('<>'), function='btrim'), condition=models.Q(('provider_message_id', ''), _negated=True), name='message_provider_id'),
        ),
        migrations.AddIndex(
            model_name='emailmessage',
            index=models.Index(fields=['workspace', 'id'], name='message_newest'),
        ),
        migrations.AddIndex(
            model_name='emailmessage',
            index=models.Index(condition=models.Q(('status', 'sending')), fields=['leased_until'], name='message_leased'),
        ),
        migrations.AddIndex(
            model_name='emailmessage',
            index=models.Index(condition=models.Q(('status', 'unknown')), fields=['workspace', 'unknown_at'], name='message_unknown'),
        ),
        migrations.AddIndex(
            model_name='emailmessage',
            index=models.Index(condition=models.Q(('status__in', ['sending', 'sent', 'unknown'])), fields=['mailbox', 'handed_over_at'], name='message_mailbox_window'),
        ),
        migrations.AddIndex(
            model_name='emailmessage',
            index=models.Index(condition=models.Q(('status__in', ['sending', 'sent', 'unknown'])), fields=['owner', 'handed_over_at'], name='message_user_window'),
        ),
        migrations.AddIndex(
            model_name='emailmessage',
            index=models.Index(condition=models.Q(('status__in', ['sending', 'sent', 'unknown'])), fields=['workspace', 'handed_over_at'], name='message_workspace_window'),
        ),
        migrations.AddIndex(
            model_name='emailmessage',
            index=models.Index(condition=models.Q(('status__in', ['sending', 'sent', 'unknown'])), fields=['workspace', 'recipient_domain', 'handed_over_at'], name='message_domain_window'),
        ),
        migrations.AddConstraint(
            model_name='emailmessage',
            constraint=models.UniqueConstraint(fields=('message_id',), name='message_id_once'),
        ),
        migrations.AddConstraint(
            model_name='emailmessage',
            constraint=models.UniqueConstraint(fields=('enrollment', 'step', 'visit'), name='message_once_per_step_run'),
        ),
        migrations.AddConstraint(
            model_name='emailmessage',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'sent'), _negated=True), models.Q(('sent_at__isnull', False), models.Q(('message_id', ''), _negated=True)), _connector='OR'), name='message_sent_has_time'),
        ),
        migrations.AddConstraint(
            model_name='emailmessage',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'sending'), _negated=True), models.Q(('handed_over_at__isnull', False), ('lease_token__isnull', False), ('leased_until__isnull', False)), _connector='OR'), name='message_sending_has_lease'),
        ),
        migrations.AddConstraint(
            model_name='emailmessage',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'failed'), _negated=True), models.Q(models.Q(('error_class', ''), _negated=True), ('failed_at__isnull', False)), _connector='OR'), name='message_failed_has_class'),
        ),
        migrations.AddConstraint(
            model_name='emailmessage',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'withheld'), _negated=True), models.Q(('withheld_reason', ''), _negated=True), _connector='OR'), name='message_withheld_has_reason'),
        ),
        migrations.AddConstraint(
            model_name='emailmessage',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'unknown'), _negated=True), ('unknown_at__isnull', False), _connector='OR'), name='message_unknown_has_time'),
        ),
        migrations.AddIndex(
            model_name='emailevent',
            index=models.Index(fields=['enrollment', 'occurred_at'], name='event_enrollment'),
        ),
        migrations.AddIndex(
            model_name='emailevent',
            index=models.Index(fields=['contact', 'type', 'occurred_at'], name='event_contact'),
        ),
        migrations.AddIndex(
            model_name='emailevent',
            index=models.Index(condition=models.Q(('verdict', 'pending')), fields=['occurred_at'], name='event_pending'),
        ),
        migrations.AddIndex(
            model_name='emailevent',
            index=django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['recorded_at'], name='event_recorded'),
        ),
        migrations.AddConstraint(
            model_name='emailevent',
            constraint=models.UniqueConstraint(fields=('provider', 'provider_event_id'), name='event_once'),
        ),
        migrations.AddConstraint(
            model_name='emailevent',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('type', 'bounced'), _negated=True), models.Q(('bounce_type', ''), _negated=True), _connector='OR'), name='event_bounce_has_type'),
        ),
        migrations.AddIndex(
            model_name='reply',
            index=models.Index(fields=['workspace', 'received_at', 'id'], name='reply_newest'),
        ),
        migrations.AddIndex(
            model_name='reply',
            index=models.Index(condition=models.Q(('is_handled', False)), fields=['workspace', 'received_at'], name='reply_open'),
        ),
        migrations.AddIndex(
            model_name='reply',
            index=models.Index(fields=['contact', 'received_at'], name='reply_contact'),
        ),
        migrations.AddIndex(
            model_name='reply',
            index=models.Index(condition=models.Q(('notified_at__isnull', True)), fields=['recorded_at'], name='reply_not_notified'),
        ),
        migrations.AddConstraint(
            model_name='reply',
            constraint=models.CheckConstraint(condition=models.Q(('is_handled', False), ('handled_at__isnull', False), _connector='OR'), name='reply_handled_has_time'),
        ),
        migrations.AddConstraint(
            model_name='sendlimit',
            constraint=models.UniqueConstraint(fields=('workspace', 'scope', 'window', 'mailbox', 'user', 'recipient_domain', 'first_touch_only'), name='limit_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='sendlimit',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('mailbox__isnull', False), ('recipient_domain', ''), ('scope', 'mailbox'), ('user__isnull', True)), models.Q(('mailbox__isnull', True), ('recipient_domain', ''), ('scope', 'user'), ('user__isnull', False)), models.Q(('mailbox__isnull', True), ('recipient_domain', ''), ('scope', 'workspace'), ('user__isnull', True)), models.Q(('mailbox__isnull', True), ('scope', 'recipient_domain'), ('user__isnull', True)), _connector='OR'), name='limit_names_its_target'),
        ),
        migrations.AddIndex(
            model_name='suppression',
            index=models.Index(condition=models.Q(('expires_at__isnull', False)), fields=['expires_at'], name='suppression_expiry'),
        ),
        migrations.AddConstraint(
            model_name='suppression',
            constraint=models.UniqueConstraint(condition=models.Q(('email', ''), _negated=True), fields=('workspace', 'email'), name='suppression_email_once'),
        ),
        migrations.AddConstraint(
            model_name='suppression',
            constraint=models.UniqueConstraint(condition=models.Q(('domain', ''), _negated=True), fields=('workspace', 'domain'), name='suppression_domain_once'),
        ),
        migrations.AddConstraint(
            model_name='suppression',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('email', ''), models.Q(('domain', ''), _negated=True)), models.Q(models.Q(('email', ''), _negated=True), ('domain', '')), _connector='OR'), name='suppression_names_one'),
        ),
        migrations.AddConstraint(
            model_name='suppression',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('email', ''), models.Q(('email__regex', "^(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$"), ('email', django.db.models.functions.text.Lower('email'))), _connector='OR'), models.Q(('domain', ''), ('domain__regex', '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$'), _connector='OR')), name='suppression_form'),
        ),
        migrations.AddIndex(
            model_name='suppressionchange',
            index=models.Index(fields=['workspace', 'email'], name='suppression_change_email'),
        ),
        migrations.RunSQL(
            "ALTER TABLE emails_emailmessage SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02)",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            "ALTER TABLE emails_mailbox SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02)",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            "CREATE INDEX message_resent ON emails_emailmessage (workspace_id) "
            "WHERE cardinality(earlier_handed_over_at) > 0",
            "DROP INDEX message_resent",
        ),
        migrations.RunSQL(
            "CREATE INDEX message_failed ON emails_emailmessage (failed_at) WHERE status = 'failed'",
            "DROP INDEX message_failed",
        ),
        migrations.RunSQL(
            "CREATE INDEX event_complaint ON emails_emailevent (recorded_at) WHERE type IN ('bounced', 'complained')",
            "DROP INDEX event_complaint",
        ),
        migrations.RunSQL(
            "INSERT INTO execution_executorstate (id, is_paused, paused_by, paused_reason) VALUES (1, false, '', '')",
            "DELETE FROM execution_executorstate",
        ),
    ]
