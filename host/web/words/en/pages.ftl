language-name = English
skip = Skip to the content
title-refused = Not sent:
nav-label = Main
nav-home = Home
nav-report = Report a problem
nav-catalog = Catalog
nav-my = My tickets
nav-approvals = Approvals
nav-queue = Queue
nav-new = New ticket
nav-problems = Problems
nav-tasks = Tasks
to-desk = To the desk
to-portal = To the portal
organizations-title = Organizations
organizations-about = Where you may work. Each opens at its queue, and has its color at the top of its pages.
organizations-here = You are here
organizations-more = Not all are listed here. The others open by their address, such as /o/acme.
sign-out = Sign out
find-label = Find a ticket by number or words
find-hint = Number or words
you = You
yes = Yes
no = No
or = or
any = Any
optional = optional
choose = Please choose
never-mind = Back without changes
next-page = Next page
to-start = To the start page

time-now = just now
# $span (String) - how long: 5 h
time-ago = { $span } ago
# $span (String) - how long: 5 h
time-soon = in { $span }
# $count (Number)
span-minutes = { $count } min
# $count (Number)
span-hours = { $count } h
# $span (String) - how long: 5 h
time-since = for { $span }
# $count (Number)
span-days = { $count } days

sign-in-title = Sign in
sign-in-how = Enter your e-mail address. You will get a message with a link that signs you in.
email-label = E-mail address
sign-in-send = Send me a link
sign-in-no-address = Enter an e-mail address, such as ada@example.com.
first-nobody = Nobody can sign in yet: there are no people. Whoever runs this installation makes the first administrator on its command line:
first-then = With the settings of this server, the command prints a link that signs the administrator in.
sent-title = Check your inbox
# $email (String)
sent-where = If there is an account for { $email }, a message is on its way. Its link works once, for 15 minutes.
sent-again = No message after a few minutes? Check the address and the spam folder, or ask your service desk.
sent-back = Use another address
# $name (String)
link-title = Sign in as { $name }?
# $organization (String)
link-where = This link signs you in at { $organization }. It works once.
# $organization (String)
link-setup = You were invited to { $organization }. This link works once; later you sign in with your e-mail address.
# $name (String)
link-button = Sign in as { $name }
link-not-you = If this is not you, close this page.
# $organization (String)
letter-subject = Sign in to { $organization }
# $name (String)
# $organization (String)
# $link (String)
letter-body =
    Hello { $name },

    Use this link to sign in to { $organization }. It works once, for 15 minutes:

    { $link }

    If you did not ask for it, nothing needs to be done: without the link, nobody is signed in.
sign-in-how-password = Enter your e-mail address and your password, or have a link sent to you that signs you in.
password-label = Password
sign-in-send-instead = Send me a link instead
sign-in-no-password = Enter your password, or have a link sent to you.
sign-in-wrong = Address and password do not belong together. Try again, or have a link sent to you.
# $minutes (Number)
sign-in-too-often =
    { $minutes ->
        [one] There were too many attempts with this address. Try again in a minute, or have a link sent to you.
       *[other] There were too many attempts with this address. Try again in { $minutes } minutes, or have a link sent to you.
    }
again-title = Sign in again
again-why = What you want to do gives power, so it has to be certain that it is you.
again-since = You last showed that
again-kept = After that you are back on the page. What you had filled in there is not kept.
again-wrong = This is not your password. Try again, or have a link sent to you.
again-go-on = Go on
again-not-sent = No further message was sent: there were several in the last quarter of an hour. Open the link in the latest one, or wait a few minutes.
again-sent = A message is on its way to you. Open its link in this browser; it works once, for 15 minutes.
password-set = Set a password
password-change = Change the password
password-about = You will be signed out on all other devices, and get a message about it.
# $least (Number)
# $most (Number)
password-hint = { $least } to { $most } characters, whichever you like. Several words that have nothing to do with each other are best.
password-new = New password
password-again = New password again
password-remove = Remove the password
password-remove-about = Without a password, you sign in by a link in a message.
# $organization (String)
letter-password-subject = Your password at { $organization }
# $name (String)
# $organization (String)
letter-password-set =
    Hello { $name },

    Your password at { $organization } was set. You were signed out on all other devices.

    If that was not you, sign in by a link in a message, set another password, and tell your service desk.
# $name (String)
# $organization (String)
letter-password-removed =
    Hello { $name },

    Your password at { $organization } was removed. You were signed out on all other devices, and sign in by a link in a message from now on.

    If that was not you, tell your service desk.
# $name (String)
# $organization (String)
letter-password-taken =
    Hello { $name },

    An administrator removed your password at { $organization }. You were signed out on all devices, and sign in by a link in a message from now on. You may then set another password.

    If you do not know why, ask your service desk.
# $organization (String)
letter-guess-subject = Somebody tried your password at { $organization }
# $name (String)
# $organization (String)
letter-guess-body =
    Hello { $name },

    Your password at { $organization } was entered wrongly several times in a row. For a quarter of an hour no further attempts are accepted; you can still sign in by a link in a message.

    If that was not you, nobody is signed in, and nothing needs to be done. If it happens again and again, tell your service desk.

home-title = Home
# $name (String)
home-greeting = Hello { $name }, how can we help?
search-label = Search catalog and tickets
search-hint-portal = Search: laptop, VPN, printer …
search-button = Search
tile-report = Report a problem
tile-report-about = Something does not work as it should
tile-catalog = Ask for something
tile-catalog-about = Equipment, access, services
tile-approvals = Approvals
# $count (Number)
tile-approvals-about =
    { $count ->
        [0] Nothing waits for your decision
        [one] One decision waits for you
       *[other] { $count } decisions wait for you
    }
home-waiting = Waiting for you
# $count (Number)
home-votes =
    { $count ->
        [one] One approval waits for your decision
       *[other] { $count } approvals wait for your decision
    }
home-mine = Your open tickets
home-none = You have no open tickets.
home-all = All your tickets
search-title = Search
search-hint = Enter a number or words.
# $words (String)
search-none = Nothing was found for “{ $words }”. Try fewer words, or tell us what is wrong.
search-items = You can ask for
search-tickets = Your tickets
search-report = Report a problem instead

down-title = What is down now
down-about = If it is this, we know of it and are working on it: you need not send anything.
down-part = Part of a major incident
down-told = Told
down-silent = There has been no update yet.

report-title = Report a problem
report-send = Send
similar-title = Is it one of these?
similar-about = These open tickets may be about the same. If so, you can add what you know there.
similar-answers = What you wrote
similar-send = No, send it as a new ticket

my-title = My tickets
my-open = Open
my-done = Done
my-all = All
my-none = You have no tickets yet.
my-none-waiting = None of your tickets waits for you.
my-none-done = None of your tickets is done yet.
steps-label = Progress
step-received = Received
step-approval = Approval
step-worked-on = Being worked on
step-fulfilled = Being fulfilled
step-solved = Solved
step-delivered = Delivered
step-closed = Closed
expected = expected
outcome-title = What was done
reply-title = Write to us
reply-label = Your message
reply-send = Send
history-title = History
history-parts = Parts of the history
history-all = All of it
history-said = Said
history-done = Done
history-decided = Decided
history-none = There is nothing of this kind.
goes-on-in = It goes on in
description-title = Description
details-title = Details
tasks-title = Tasks
do-confirm = Yes, it works
do-not-solved = No, it is not solved
do-withdraw = Not needed any more
internal = internal
# $count (Number)
decided = { $count } decisions
show-all = Show all

catalog-title = Catalog
catalog-none = There is nothing in the catalog yet.
# $count (Number)
takes-hours =
    { $count ->
        [one] within one working hour
       *[other] within { $count } working hours
    }
# $count (Number)
takes-days =
    { $count ->
        [one] within one working day
       *[other] within { $count } working days
    }
item-send = Send the request
item-then = What happens next
item-cost = Cost
item-takes = Delivery
item-approval = “See what happens next” shows who has to agree, and when it should be there.
item-remarks = Remarks
item-for = For somebody else
item-for-hint = The name or e-mail address of the person; leave it empty if it is for you.

basket-title = Basket
basket-none = Your basket is empty.
basket-total = All together:
basket-send = Send all requests
basket-more = Add something else
basket-remove = Remove
basket-refused = Not everything was sent
basket-sent = Sent:
item-basket = Put into the basket
item-preview = See what happens next
item-glance = At a glance
then-refused = It would be refused:
then-free = Nobody has to agree to it first.
# $name (String)
then-agrees = { $name } agrees
# $names (String)
then-all-agree = All of these agree: { $names }
# $names (String)
then-one-agrees = One of these agrees: { $names }
# $count (Number)
# $names (String)
then-some-agree = { $count } of these agree: { $names }
then-nobody = Somebody agrees who still has to be named
then-all = All of this is needed:
then-any = One of these is enough:
then-majority = Most of these are needed:
then-first = Whatever is decided first counts:
then-your-manager = your manager
then-manager = their manager
then-mandatory = in any case
# $span (String)
then-due = due after { $span }
# $team (String)
# $what (String)
then-task = { $team }: { $what }
then-expected = Expected
then-all-expected = All of it is expected by
then-degraded = Some of the rules could not be asked just now. What you see here is what would be done instead.
then-cannot = It cannot be sent as it is:
# $count (Number)
then-some = What happens next is shown for { $count } of these requests only.
then-unknown = What happens next cannot be shown just now. You can send it all the same.

approvals-title = Approvals
approvals-none = Nothing waits for your decision.
vote-due = due
# $name (String)
vote-instead-of = instead of { $name }
# $what (String)
vote-title = Do you agree? { $what }
vote-requester = Requested for
vote-item = Item
vote-comment = Comment
vote-comment-hint = A reason is needed if you do not agree.
vote-yes = Agree
vote-no = Do not agree
vote-abstain = Abstain
vote-tasks = What is done once it is approved
vote-others = Who decides
# $approved (Number)
# $needed (Number)
vote-tally = { $approved } of { $needed } required votes
# $name (String)
# $organization (String)
vote-link-who = You vote as { $name } of { $organization }, without signing in. This link works once.
voted-title = Your vote was counted
voted-approve = You agreed.
voted-reject = You did not agree.
voted-abstain = You abstained.
voted-over = The link does not work any more.
voted-sign-in = Sign in to see your approvals
# $name (String)
voted-by-link = { $name }, by a link in a mail
approval-title = Approval

me-title = My settings
me-settings = Language and time
me-save = Save
me-zone-hint = An IANA time zone such as Europe/Berlin; empty for the organization's.
me-delegations = Stand-in
me-delegations-about = While you are away, somebody else can vote for you.
me-delegate = Appoint the stand-in
me-end-delegation = End it now
me-in-force = in force
me-devices = Signed in
me-this-device = this device
me-signed-in = since
me-used = used
me-end-device = Sign out there
me-end-others = Sign out everywhere else
me-unknown-device = Unknown device
me-password = Password
me-password-since = You have a password since
me-password-none = You have no password; you sign in by a link in a message.
me-again-first = Appointing somebody gives them your power, so it has to be certain that it is you:
me-role = Role

queue-views = Views
queue-mine = Mine
queue-unassigned = Unassigned
queue-waiting = On hold
queue-degraded = Policy failed
queue-major = Major
queue-all = All open
empty-mine = Nothing is assigned to you.
empty-unassigned = Every ticket has somebody who works on it.
empty-degraded = No policy has failed on an open ticket.
empty-major = There is no major incident.
empty-queue = Nothing waits here.
empty-filter = No ticket matches the filter.
empty-problems = There is no open problem.
empty-tasks = There is no open task.
empty-search = Nothing was found. Try a number, or fewer words.
all-tickets = All open tickets
problems-title = Problems
filter-text = Words
filter-apply = Filter
filter-clear = Clear
order-label = Order
order-queue = Most urgent first
order-opened = Newest first
order-updated = Last changed first
known-errors = Known errors
# $total (String)
filter-found = { $total } found
col-priority = Priority
col-number = Number
col-what = What
col-state = State
col-waits = Waits for
col-team = Team
col-assignee = Assignee
col-opened = Opened
col-kind = Kind
tag-major = Major
tag-degraded = Policy failed
needs-desk = This page is for the people of the desk. An administrator of your organization can give you that role.
new-title = New ticket
new-open = Open the ticket
new-more = More fields
task-add = Add a task
task-after-hint = Numbers of other tasks of this ticket, separated by commas.

waits-for = Waits for
waits-for-you = you
waits-for-nobody = nobody
former-member = a former member
former-team = a former team
# $when (String)
waits-for-confirmation = the requester's confirmation; closes by itself { $when }
from-person = from
changed = changed
more-actions = More
suggestions-title = Suggestions
suggestion-yes = Accept
suggestion-no = Dismiss
children-title = Incidents that belong to it
children-all = List all of them
known-error-title = Known error: workaround
workaround-title = Workaround
links-title = Related
conflict-title = Somebody else changed the ticket
conflict-about = Nothing was changed by you yet, and what you wrote is still below. This is what happened meanwhile; send again if it still holds.
lacks-first = Fill in first:
problems-there = Please correct this

pick = Choose
# $name (String)
pick-person = Who is “{ $name }”?
# $number (String)
pick-one = Choose { $number }
bulk-label = With the chosen tickets:
bulk-look = Look at what happens
bulk-possible = possible
bulk-done = done
bulk-refused = refused
bulk-failed = failed
bulk-unknown = not known
bulk-not-tried = not tried
# $possible (Number)
# $all (Number)
bulk-would-do = It is possible for { $possible } of the { $all } selected tickets. Nothing has been changed yet.
# $possible (Number)
# $all (Number)
bulk-was-done = It was done to { $possible } of { $all } tickets.
# $count (Number)
bulk-go =
    { $count ->
        [one] Do it to one ticket
       *[other] Do it to { $count } tickets
    }

why-title = Why here?
why-a-policy = a policy
# $binding (String)
# $revision (String)
# $organization (String)
why-policy = { $binding } r{ $revision } of { $organization }
why-a-person = a person
why-nobody = nobody: the default
why-the-matrix = the matrix of the organization
# $policy (String)
why-rated = the matrix; levels by { $policy }
# $impact (String)
# $urgency (String)
# $level (String)
why-matrix = matrix: impact { $impact } × urgency { $urgency } = { $level }
why-unknown-level = unknown
why-no-category = none: neither a person nor a policy has set one
why-fallback-team = nobody: the team for what nothing else routes
why-major = Major incident
# $manager (String)
# $owner (String)
why-led = led by { $manager }, updates by { $owner }
# $when (String)
why-update = next update { $when }
# $when (String)
why-update-missed = the update was due { $when } and was missed
why-declined = gave no opinion
why-overruled = was overruled
# $wishes (String)
why-wanted = wanted { $wishes }
# $code (String)
why-failed = failed ({ $code })
# $fallback (String)
why-instead = instead: { $fallback }
# $policies (String)
# $organization (String)
why-not-asked = not asked: { $policies } (replaced by { $organization })
why-messages = Messages
# $count (Number)
why-sent = { $count } sent
# $count (Number)
why-about-to-be-sent = { $count } about to be sent
# $count (Number)
why-delayed = { $count } at a later time
# $count (Number)
why-suggestions =
    { $count ->
        [one] One waits for a decision
       *[other] { $count } wait for a decision
    }
why-more = More
# $count (Number)
why-more-decisions = { $count } more decisions
# $count (Number)
why-decisions =
    { $count ->
        [0] No policy was asked.
        [one] One decision of a policy is recorded.
       *[other] { $count } decisions of policies are recorded.
    }

error-typed = What you wrote
vote-here = Vote
do-works-again = It works again
appoint-hint = The name or e-mail address of who is to vote.
request-id = If you ask for help, give this number:
error-not-found = There is no such page
advice-not-found = It may never have been there, or it is not for you to see. Check the address, or look for it from the start page.
error-forbidden = You may not do that
advice-forbidden = Your role does not allow it. An administrator of your organization can change that.
error-stale = This changed in the meantime
advice-stale = What you decided on has changed since it was shown. Nothing was changed by you; look at it again and repeat it.
error-refused = That is not possible now
advice-refused = Nothing was changed.
error-invalid = Something is not right
advice-invalid = Nothing was changed. Go back and correct this:
error-cross-site = This came from another site
advice-cross-site = To protect you, nothing was changed. Open the page here and send the form again.
error-bad-request = This cannot be read
advice-bad-request = Nothing was changed. Open the page again from the start page.
error-too-large = That is too much
advice-too-large = Nothing was changed. Send less at once.
error-too-many = Too many attempts
advice-too-many = Wait a quarter of an hour, then try again.
error-in-progress = This is being done already
advice-in-progress = The same form was sent a moment ago. Look at the ticket in a few seconds.
error-unavailable = The desk is not available right now
advice-unavailable = Go back; your text is still there. Try again in a minute.
error-outcome-unknown = It is not known whether this was done
advice-outcome-unknown = Look at the ticket before you send it again.
error-link-over = This link does not work any more
advice-link-over = It was used already, or it has expired. Ask for a new one.
advice-vote-link-over = The vote was cast already, it is not needed from you any more, or the link has expired. Sign in to see what waits for your decision.
error-internal = Something went wrong on our side
advice-internal = Nothing was changed. Go back; your text is still there.

theme-label = Colors
theme-system = As my system
theme-light = Light
theme-dark = Dark
theme-contrast = More contrast, light or dark as my system
looks-title = In this browser
keys-label = Use single-key shortcuts at the desk
keys-hint = “?” shows which. Switch them off if you speak to your computer, or press keys by accident.
keys-title = Keyboard shortcuts
keys-control = Ctrl
keys-this = This list
keys-rows = Next row, row before
keys-select = Select the row, with Shift all up to it
keys-send = Send the form
keys-off = Each key presses what is on this page. They can be switched off:
palette-title = Commands and pages
palette-words = Words of a link or a button
palette-nothing = Nothing on this page has these words.
close = Close
draft-back = What you had typed here is back.
draft-discard = Discard it
among-label = Neighbors in the list
among-previous = Previous
among-next = Next
among-back = Back to the list
news-show = Show
news-ticket = There is something new here.
# $who (String)
news-ticket-by = { $who } has done something here.
news-list = This list has changed.

major-since = since
major-next = Next update due
major-late = overdue
major-manager = Incident manager
major-owner = Communications
major-affected = People affected
major-tell = Tell everybody concerned
major-send = Send the update
major-review = What was learned
major-timeline = What was said and done
major-silent = Nothing has been said yet. The first update tells everybody concerned what is known.
major-no-children = No other incident is part of it yet.

view-save = Save this view
view-name = Name of the view
view-remove = Remove this view from my tabs

what-if-title = What if?
what-if-about = Change something, and see which priority and team it would get. Nothing is changed, and nobody is told.
what-if-ask = Ask
what-if-answer = Then it would look like this
what-if-now = Now
what-if-then = Then
what-if-same = the same
what-if-busy = This cannot be found out just now. Try again in a moment.
what-if-failed = A policy failed, so its team would stay as it is:

accessibility-title = Accessibility
accessibility-goal = Everyone should be able to use these pages. They aim at WCAG 2.2, level AA.
accessibility-scripts = Everything that can be done here can be done without scripts, with the keyboard alone, and with a screen reader.
accessibility-keys = At the desk, single keys are shortcuts. They can be switched off under “My settings”.
accessibility-looks = Text can be made twice as large, and pages fit a window of 320 pixels. Light, dark and more contrast are as your system says, or as you set them.
accessibility-tested = Before each release, every page is checked by a program that knows these rules, in light and dark, on a wide and a narrow window. People with disabilities have not tested them yet.
accessibility-tables = What we know to be less than good: wide tables scroll sideways in a narrow window, and what policies and people write is shown in the language they wrote it in.
accessibility-complain = Does something keep you from your work? Report it as you would any other problem, or tell the administrator of your desk.
