language-name = Deutsch
skip = Zum Inhalt
title-refused = Nicht gesendet:
nav-label = Hauptmenü
nav-home = Start
nav-report = Störung melden
nav-catalog = Katalog
nav-my = Meine Tickets
nav-approvals = Genehmigungen
nav-queue = Warteschlange
nav-new = Neues Ticket
nav-problems = Probleme
nav-tasks = Aufgaben
to-desk = Zum Service Desk
to-portal = Zum Portal
organizations-title = Organisationen
organizations-about = Hier dürfen Sie arbeiten. Jede öffnet sich bei ihrer Warteschlange und hat ihre Farbe oben auf ihren Seiten.
organizations-here = Sie sind hier
organizations-more = Hier stehen nicht alle. Die übrigen öffnen sich unter ihrer Adresse, zum Beispiel /o/acme.
sign-out = Abmelden
find-label = Ein Ticket nach Nummer oder Wörtern finden
find-hint = Nummer oder Wörter
you = Sie
yes = Ja
no = Nein
or = oder
any = Alle
optional = optional
choose = Bitte wählen
never-mind = Zurück ohne Änderung
next-page = Nächste Seite
to-start = Zur Startseite

time-now = gerade eben
time-ago = vor { $span }
time-soon = in { $span }
span-minutes = { $count } Min.
span-hours = { $count } Std.
time-since = seit { $span }
span-days = { $count } Tagen

sign-in-title = Anmelden
sign-in-how = Geben Sie Ihre E-Mail-Adresse ein. Sie erhalten eine Nachricht mit einem Link, der Sie anmeldet.
email-label = E-Mail-Adresse
sign-in-send = Link senden
sign-in-no-address = Geben Sie eine E-Mail-Adresse ein, zum Beispiel ada@example.com.
first-nobody = Noch kann sich niemand anmelden: Es gibt keine Personen. Wer diese Installation betreibt, legt auf ihrer Kommandozeile die erste Administratorin oder den ersten Administrator an:
first-then = Mit den Einstellungen dieses Servers gibt der Befehl einen Link aus, der sie oder ihn anmeldet.
sent-title = Sehen Sie in Ihr Postfach
sent-where = Falls es ein Konto für { $email } gibt, ist eine Nachricht unterwegs. Ihr Link gilt einmal, 15 Minuten lang.
sent-again = Nach einigen Minuten keine Nachricht? Prüfen Sie die Adresse und den Spam-Ordner, oder fragen Sie Ihren Service Desk.
sent-back = Eine andere Adresse verwenden
link-title = Als { $name } anmelden?
link-where = Dieser Link meldet Sie bei { $organization } an. Er gilt einmal.
link-setup = Sie wurden zu { $organization } eingeladen. Dieser Link gilt einmal; später melden Sie sich mit Ihrer E-Mail-Adresse an.
link-button = Als { $name } anmelden
link-not-you = Wenn Sie das nicht sind, schließen Sie diese Seite.
letter-subject = Anmeldung bei { $organization }
letter-body =
    Hallo { $name },

    mit diesem Link melden Sie sich bei { $organization } an. Er gilt einmal, 15 Minuten lang:

    { $link }

    Wenn Sie ihn nicht angefordert haben, ist nichts zu tun: Ohne den Link meldet sich niemand an.
sign-in-how-password = Geben Sie Ihre E-Mail-Adresse und Ihr Passwort ein, oder lassen Sie sich einen Link senden, der Sie anmeldet.
password-label = Passwort
sign-in-send-instead = Stattdessen Link senden
sign-in-no-password = Geben Sie Ihr Passwort ein, oder lassen Sie sich einen Link senden.
sign-in-wrong = Adresse und Passwort passen nicht zusammen. Versuchen Sie es noch einmal, oder lassen Sie sich einen Link senden.
sign-in-too-often =
    { $minutes ->
        [one] Mit dieser Adresse gab es zu viele Versuche. Versuchen Sie es in einer Minute wieder, oder lassen Sie sich einen Link senden.
       *[other] Mit dieser Adresse gab es zu viele Versuche. Versuchen Sie es in { $minutes } Minuten wieder, oder lassen Sie sich einen Link senden.
    }
again-title = Noch einmal anmelden
again-why = Was Sie vorhaben, verleiht Befugnisse. Deshalb muss sicher sein, dass Sie es sind.
again-since = Zuletzt haben Sie das gezeigt:
again-kept = Danach sind Sie wieder auf der Seite. Was Sie dort schon eingegeben hatten, bleibt nicht erhalten.
again-wrong = Das ist nicht Ihr Passwort. Versuchen Sie es noch einmal, oder lassen Sie sich einen Link senden.
again-go-on = Weiter
again-not-sent = Es wurde keine weitere Nachricht gesendet, denn in der letzten Viertelstunde waren es schon mehrere. Öffnen Sie den Link in der neuesten, oder warten Sie ein paar Minuten.
again-sent = Eine Nachricht ist zu Ihnen unterwegs. Öffnen Sie ihren Link in diesem Browser; er gilt einmal, 15 Minuten lang.
password-set = Passwort festlegen
password-change = Passwort ändern
password-about = Auf allen anderen Geräten werden Sie abgemeldet; außerdem erhalten Sie darüber eine Nachricht.
password-hint = { $least } bis { $most } beliebige Zeichen. Am besten sind mehrere Wörter, die nichts miteinander zu tun haben.
password-new = Neues Passwort
password-again = Neues Passwort noch einmal
password-remove = Passwort entfernen
password-remove-about = Ohne Passwort melden Sie sich mit einem Link aus einer Nachricht an.
letter-password-subject = Ihr Passwort bei { $organization }
letter-password-set =
    Hallo { $name },

    Ihr Passwort bei { $organization } wurde festgelegt. Auf allen anderen Geräten wurden Sie abgemeldet.

    Wenn Sie das nicht waren, melden Sie sich mit einem Link aus einer Nachricht an, legen Sie ein anderes Passwort fest, und sagen Sie Ihrem Service Desk Bescheid.
letter-password-removed =
    Hallo { $name },

    Ihr Passwort bei { $organization } wurde entfernt. Auf allen anderen Geräten wurden Sie abgemeldet; von jetzt an melden Sie sich mit einem Link aus einer Nachricht an.

    Wenn Sie das nicht waren, sagen Sie Ihrem Service Desk Bescheid.
letter-password-taken =
    Hallo { $name },

    Ihr Passwort bei { $organization } wurde von der Administration entfernt. Auf allen Geräten wurden Sie abgemeldet; von jetzt an melden Sie sich mit einem Link aus einer Nachricht an. Danach können Sie ein anderes Passwort festlegen.

    Wenn Sie nicht wissen, warum, fragen Sie Ihren Service Desk.
letter-guess-subject = Jemand hat Ihr Passwort bei { $organization } probiert
letter-guess-body =
    Hallo { $name },

    Ihr Passwort bei { $organization } wurde mehrmals hintereinander falsch eingegeben. Eine Viertelstunde lang werden keine weiteren Versuche angenommen; mit einem Link aus einer Nachricht können Sie sich weiterhin anmelden.

    Wenn Sie das nicht waren: Angemeldet ist niemand, und zu tun ist nichts. Wenn es immer wieder vorkommt, sagen Sie Ihrem Service Desk Bescheid.

home-title = Start
home-greeting = Hallo { $name }, wie können wir helfen?
search-label = Katalog und Tickets durchsuchen
search-hint-portal = Suchen: Laptop, VPN, Drucker …
search-button = Suchen
tile-report = Störung melden
tile-report-about = Etwas funktioniert nicht so, wie es soll
tile-catalog = Etwas anfordern
tile-catalog-about = Geräte, Zugänge, Leistungen
tile-approvals = Genehmigungen
tile-approvals-about =
    { $count ->
        [0] Nichts wartet auf Ihre Entscheidung
        [one] Eine Entscheidung wartet auf Sie
       *[other] { $count } Entscheidungen warten auf Sie
    }
home-waiting = Wartet auf Sie
home-votes =
    { $count ->
        [one] Eine Genehmigung wartet auf Ihre Entscheidung
       *[other] { $count } Genehmigungen warten auf Ihre Entscheidung
    }
home-mine = Ihre offenen Tickets
home-none = Sie haben keine offenen Tickets.
home-all = Alle Ihre Tickets
search-title = Suche
search-hint = Geben Sie eine Nummer oder Wörter ein.
search-none = Zu „{ $words }“ wurde nichts gefunden. Versuchen Sie weniger Wörter, oder sagen Sie uns, was nicht geht.
search-items = Das können Sie anfordern
search-tickets = Ihre Tickets
search-report = Stattdessen eine Störung melden

down-title = Was gerade gestört ist
down-about = Wenn es das ist, wissen wir davon und arbeiten daran: Sie müssen nichts senden.
down-part = Teil einer Großstörung
down-told = Mitgeteilt
down-silent = Eine Mitteilung gibt es noch nicht.

report-title = Störung melden
report-send = Senden
similar-title = Ist es eines von diesen?
similar-about = Diese offenen Tickets könnten dasselbe betreffen. Dann können Sie dort ergänzen, was Sie wissen.
similar-answers = Was Sie geschrieben haben
similar-send = Nein, als neues Ticket senden

my-title = Meine Tickets
my-open = Offen
my-done = Erledigt
my-all = Alle
my-none = Sie haben noch keine Tickets.
my-none-waiting = Keines Ihrer Tickets wartet auf Sie.
my-none-done = Noch keines Ihrer Tickets ist erledigt.
steps-label = Fortschritt
step-received = Eingegangen
step-approval = Genehmigung
step-worked-on = In Arbeit
step-fulfilled = Wird erledigt
step-solved = Gelöst
step-delivered = Geliefert
step-closed = Geschlossen
expected = erwartet
outcome-title = Was getan wurde
reply-title = Schreiben Sie uns
reply-label = Ihre Nachricht
reply-send = Senden
history-title = Verlauf
history-parts = Teile des Verlaufs
history-all = Alles
history-said = Gesagt
history-done = Getan
history-decided = Entschieden
history-none = Davon gibt es nichts.
goes-on-in = Es geht weiter in
description-title = Beschreibung
details-title = Einzelheiten
tasks-title = Aufgaben
do-confirm = Ja, es funktioniert
do-not-solved = Nein, es ist nicht gelöst
do-withdraw = Nicht mehr nötig
internal = intern
decided = { $count } Entscheidungen
show-all = Alle zeigen

catalog-title = Katalog
catalog-none = Im Katalog ist noch nichts.
takes-hours =
    { $count ->
        [one] innerhalb einer Arbeitsstunde
       *[other] innerhalb von { $count } Arbeitsstunden
    }
takes-days =
    { $count ->
        [one] innerhalb eines Arbeitstags
       *[other] innerhalb von { $count } Arbeitstagen
    }
item-send = Anforderung senden
item-then = Was dann geschieht
item-cost = Kosten
item-takes = Lieferung
item-approval = „Ansehen, was dann geschieht“ zeigt, wer zustimmen muss und wann es da sein soll.
item-remarks = Bemerkungen
item-for = Für jemand anderen
item-for-hint = Name oder E-Mail-Adresse der Person; leer lassen, wenn es für Sie ist.

basket-title = Warenkorb
basket-none = Ihr Warenkorb ist leer.
basket-total = Zusammen:
basket-send = Alle Anforderungen senden
basket-more = Noch etwas hinzufügen
basket-remove = Entfernen
basket-refused = Nicht alles wurde gesendet
basket-sent = Gesendet:
item-basket = In den Warenkorb
item-preview = Ansehen, was dann geschieht
item-glance = Auf einen Blick
then-refused = Sie würde abgelehnt:
then-free = Niemand muss vorher zustimmen.
then-agrees = { $name } stimmt zu
then-all-agree = Alle diese Personen stimmen zu: { $names }
then-one-agrees = Eine dieser Personen stimmt zu: { $names }
then-some-agree = { $count } dieser Personen stimmen zu: { $names }
then-nobody = Jemand stimmt zu, der noch benannt werden muss
then-all = All das ist nötig:
then-any = Eines davon genügt:
then-majority = Die Mehrheit davon ist nötig:
then-first = Was zuerst entschieden ist, zählt:
then-your-manager = Ihre Führungskraft
then-manager = die Führungskraft
then-mandatory = in jedem Fall
then-due = Frist: { $span }
then-task = { $team }: { $what }
then-expected = Erwartet
then-all-expected = Alles wird erwartet bis
then-degraded = Einige Regeln konnten gerade nicht befragt werden. Hier steht, was stattdessen geschehen würde.
then-cannot = So kann sie nicht gesendet werden:
then-unknown = Was dann geschieht, lässt sich gerade nicht zeigen. Senden können Sie trotzdem.
then-some = Was dann geschieht, steht hier nur für { $count } dieser Anforderungen.

approvals-title = Genehmigungen
approvals-none = Nichts wartet auf Ihre Entscheidung.
vote-due = fällig
vote-instead-of = anstelle von { $name }
vote-title = Stimmen Sie zu? { $what }
vote-requester = Angefordert für
vote-item = Artikel
vote-comment = Kommentar
vote-comment-hint = Wenn Sie nicht zustimmen, ist eine Begründung nötig.
vote-yes = Zustimmen
vote-no = Nicht zustimmen
vote-abstain = Enthaltung
vote-tasks = Was nach der Genehmigung getan wird
vote-others = Wer entscheidet
vote-tally = { $approved } von { $needed } nötigen Stimmen
vote-link-who = Sie stimmen als { $name } von { $organization } ab, ohne sich anzumelden. Dieser Link gilt einmal.
voted-title = Ihre Stimme ist gezählt
voted-approve = Sie haben zugestimmt.
voted-reject = Sie haben nicht zugestimmt.
voted-abstain = Sie haben sich enthalten.
voted-over = Der Link gilt nicht mehr.
voted-sign-in = Anmelden und die eigenen Genehmigungen ansehen
voted-by-link = { $name }, über einen Link in einer Mail
approval-title = Genehmigung

me-title = Meine Einstellungen
me-settings = Sprache und Zeit
me-save = Speichern
me-zone-hint = Eine IANA-Zeitzone wie Europe/Berlin; leer für die der Organisation.
me-delegations = Vertretung
me-delegations-about = Während Sie weg sind, kann jemand anderes für Sie abstimmen.
me-delegate = Vertretung einsetzen
me-end-delegation = Jetzt beenden
me-in-force = gilt jetzt
me-devices = Angemeldet
me-this-device = dieses Gerät
me-signed-in = seit
me-used = zuletzt benutzt
me-end-device = Dort abmelden
me-end-others = Überall sonst abmelden
me-unknown-device = Unbekanntes Gerät
me-password = Passwort
me-password-since = Sie haben ein Passwort seit
me-password-none = Sie haben kein Passwort; Sie melden sich mit einem Link aus einer Nachricht an.
me-again-first = Wer Sie vertritt, hat Ihre Befugnisse. Deshalb muss sicher sein, dass Sie es sind:
me-role = Rolle

queue-views = Ansichten
queue-mine = Meine
queue-unassigned = Ohne Bearbeiter
queue-waiting = Zurückgestellt
queue-degraded = Regel gescheitert
queue-major = Großstörungen
queue-all = Alle offenen
empty-mine = Ihnen ist nichts zugewiesen.
empty-unassigned = Jedes Ticket hat jemanden, der es bearbeitet.
empty-degraded = Bei keinem offenen Ticket ist eine Regel gescheitert.
empty-major = Es gibt keine Großstörung.
empty-queue = Hier wartet nichts.
empty-filter = Kein Ticket passt zum Filter.
empty-problems = Es gibt kein offenes Problem.
empty-tasks = Es gibt keine offene Aufgabe.
empty-search = Nichts gefunden. Versuchen Sie eine Nummer oder weniger Wörter.
all-tickets = Alle offenen Tickets
problems-title = Probleme
filter-text = Wörter
filter-apply = Filtern
filter-clear = Filter aufheben
order-label = Reihenfolge
order-queue = Dringendstes zuerst
order-opened = Neuestes zuerst
order-updated = Zuletzt Geändertes zuerst
known-errors = Bekannte Fehler
filter-found = { $total } gefunden
col-priority = Priorität
col-number = Nummer
col-what = Was
col-state = Status
col-waits = Wartet auf
col-team = Team
col-assignee = Bearbeiter
col-opened = Eröffnet
col-kind = Art
tag-major = Großstörung
tag-degraded = Regel gescheitert
needs-desk = Diese Seite ist für die Mitarbeiter des Service Desk. Ein Administrator Ihrer Organisation kann Ihnen diese Rolle geben.
new-title = Neues Ticket
new-open = Ticket eröffnen
new-more = Weitere Felder
task-add = Aufgabe hinzufügen
task-after-hint = Nummern anderer Aufgaben dieses Tickets, mit Kommas getrennt.

waits-for = Wartet auf
waits-for-you = Sie
waits-for-nobody = niemanden
former-member = ein ehemaliges Mitglied
former-team = ein ehemaliges Team
waits-for-confirmation = die Bestätigung; schließt von selbst ({ $when })
from-person = von
changed = geändert
more-actions = Mehr
suggestions-title = Vorschläge
suggestion-yes = Annehmen
suggestion-no = Verwerfen
children-title = Zugehörige Störungen
children-all = Alle auflisten
known-error-title = Bekannter Fehler: Umgehung
workaround-title = Umgehung
links-title = Verwandtes
conflict-title = Jemand anderes hat das Ticket geändert
conflict-about = Von Ihnen wurde noch nichts geändert, und was Sie geschrieben haben, steht noch unten. Das ist inzwischen geschehen; senden Sie erneut, wenn es noch gilt.
lacks-first = Vorher auszufüllen:
problems-there = Bitte korrigieren Sie das

pick = Auswählen
pick-person = Wer ist „{ $name }“?
pick-one = { $number } auswählen
bulk-label = Mit den ausgewählten Tickets:
bulk-look = Ansehen, was geschieht
bulk-possible = möglich
bulk-done = erledigt
bulk-refused = abgelehnt
bulk-failed = gescheitert
bulk-unknown = nicht bekannt
bulk-not-tried = nicht versucht
bulk-would-do = Es ist bei { $possible } der { $all } ausgewählten Tickets möglich. Noch wurde nichts geändert.
bulk-was-done = Es wurde bei { $possible } von { $all } Tickets getan.
bulk-go =
    { $count ->
        [one] Bei einem Ticket ausführen
       *[other] Bei { $count } Tickets ausführen
    }

why-title = Warum hier?
why-a-policy = eine Regel
why-policy = { $binding } r{ $revision } von { $organization }
why-a-person = eine Person
why-nobody = niemand: die Vorgabe
why-the-matrix = die Matrix der Organisation
why-rated = die Matrix; Stufen von { $policy }
why-matrix = Matrix: Auswirkung { $impact } × Dringlichkeit { $urgency } = { $level }
why-unknown-level = unbekannt
why-no-category = keine: weder eine Person noch eine Regel hat eine gesetzt
why-fallback-team = niemand: das Team für alles, was sonst nichts zuteilt
why-major = Großstörung
why-led = geleitet von { $manager }, Kommunikation: { $owner }
why-update = nächste Mitteilung { $when }
why-update-missed = die Mitteilung war fällig ({ $when }) und blieb aus
why-declined = hatte keine Meinung
why-overruled = wurde überstimmt
why-wanted = wollte { $wishes }
why-failed = gescheitert ({ $code })
why-instead = stattdessen: { $fallback }
why-not-asked = nicht gefragt: { $policies } (ersetzt durch { $organization })
why-messages = Nachrichten
why-sent = { $count } gesendet
why-about-to-be-sent = { $count } gehen gleich hinaus
why-delayed = { $count } zu späterer Zeit
why-suggestions =
    { $count ->
        [one] Einer wartet auf eine Entscheidung
       *[other] { $count } warten auf eine Entscheidung
    }
why-more = Weiteres
why-more-decisions = { $count } weitere Entscheidungen
why-decisions =
    { $count ->
        [0] Keine Regel wurde gefragt.
        [one] Eine Entscheidung einer Regel ist aufgezeichnet.
       *[other] { $count } Entscheidungen von Regeln sind aufgezeichnet.
    }

error-typed = Was Sie geschrieben haben
vote-here = Abstimmen
do-works-again = Es funktioniert wieder
appoint-hint = Name oder E-Mail-Adresse der Person, die abstimmen soll.
request-id = Wenn Sie um Hilfe bitten, nennen Sie diese Nummer:
error-not-found = Diese Seite gibt es nicht
advice-not-found = Vielleicht gab es sie nie, oder sie ist nicht für Sie bestimmt. Prüfen Sie die Adresse, oder suchen Sie von der Startseite aus.
error-forbidden = Das dürfen Sie nicht
advice-forbidden = Ihre Rolle erlaubt es nicht. Ein Administrator Ihrer Organisation kann das ändern.
error-stale = Das hat sich inzwischen geändert
advice-stale = Worüber Sie entschieden haben, hat sich geändert, seit es gezeigt wurde. Von Ihnen wurde nichts geändert; sehen Sie es erneut an und wiederholen Sie es.
error-refused = Das ist jetzt nicht möglich
advice-refused = Nichts wurde geändert.
error-invalid = Etwas stimmt nicht
advice-invalid = Nichts wurde geändert. Gehen Sie zurück und korrigieren Sie das:
error-cross-site = Das kam von einer anderen Website
advice-cross-site = Zu Ihrem Schutz wurde nichts geändert. Öffnen Sie die Seite hier und senden Sie das Formular erneut.
error-bad-request = Das ist nicht lesbar
advice-bad-request = Nichts wurde geändert. Öffnen Sie die Seite erneut von der Startseite aus.
error-too-large = Das ist zu viel
advice-too-large = Nichts wurde geändert. Senden Sie weniger auf einmal.
error-too-many = Zu viele Versuche
advice-too-many = Warten Sie eine Viertelstunde, dann versuchen Sie es erneut.
error-in-progress = Das geschieht bereits
advice-in-progress = Dasselbe Formular wurde gerade gesendet. Sehen Sie in einigen Sekunden nach dem Ticket.
error-unavailable = Der Service Desk ist gerade nicht erreichbar
advice-unavailable = Gehen Sie zurück; Ihr Text ist noch da. Versuchen Sie es in einer Minute erneut.
error-outcome-unknown = Es ist nicht bekannt, ob das geschehen ist
advice-outcome-unknown = Sehen Sie nach dem Ticket, bevor Sie es erneut senden.
error-link-over = Dieser Link gilt nicht mehr
advice-link-over = Er wurde schon benutzt, oder seine Zeit ist um. Fordern Sie einen neuen an.
advice-vote-link-over = Die Stimme ist schon abgegeben, Sie werden nicht mehr gefragt, oder die Zeit des Links ist um. Melden Sie sich an, um zu sehen, was auf Ihre Entscheidung wartet.
error-internal = Bei uns ist etwas schiefgegangen
advice-internal = Nichts wurde geändert. Gehen Sie zurück; Ihr Text ist noch da.

theme-label = Farben
theme-system = Wie mein System
theme-light = Hell
theme-dark = Dunkel
theme-contrast = Mehr Kontrast, hell oder dunkel wie mein System
looks-title = In diesem Browser
keys-label = Tastenkürzel aus einer Taste verwenden
keys-hint = „?“ zeigt, welche. Schalten Sie sie aus, wenn Sie mit Ihrem Computer sprechen oder Tasten versehentlich drücken.
keys-title = Tastenkürzel
keys-control = Strg
keys-this = Diese Liste
keys-rows = Nächste Zeile, Zeile davor
keys-select = Zeile auswählen, mit Umschalt alle bis dahin
keys-send = Formular absenden
keys-off = Tasten drücken, was auf dieser Seite zu sehen ist. Sie lassen sich ausschalten:
palette-title = Befehle und Seiten
palette-words = Wörter eines Links oder einer Schaltfläche
palette-nothing = Nichts auf dieser Seite heißt so.
close = Schließen
draft-back = Was Sie hier geschrieben hatten, ist wieder da.
draft-discard = Verwerfen
among-label = Nachbarn in der Liste
among-previous = Vorheriges
among-next = Nächstes
among-back = Zur Liste
news-show = Anzeigen
news-ticket = Hier gibt es Neues.
news-ticket-by = { $who } hat hier etwas getan.
news-list = Diese Liste hat sich geändert.

major-since = seit
major-next = Nächste Mitteilung fällig
major-late = überfällig
major-manager = Leitung
major-owner = Kommunikation
major-affected = Betroffene Personen
major-tell = Alle Betroffenen informieren
major-send = Mitteilung senden
major-review = Was gelernt wurde
major-timeline = Was gesagt und getan wurde
major-silent = Noch wurde nichts gesagt. Die erste Mitteilung sagt allen Betroffenen, was bekannt ist.
major-no-children = Noch gehört keine andere Störung dazu.

view-save = Diese Ansicht speichern
view-name = Name der Ansicht
view-remove = Diese Ansicht aus meinen Reitern entfernen

what-if-title = Was wäre, wenn?
what-if-about = Ändern Sie etwas, und sehen Sie, welche Priorität und welches Team es bekäme. Nichts wird geändert, und niemand wird benachrichtigt.
what-if-ask = Fragen
what-if-answer = Dann sähe es so aus
what-if-now = Jetzt
what-if-then = Dann
what-if-same = gleich
what-if-failed = Eine Regel ist gescheitert; das Team bliebe, wie es ist:
what-if-busy = Das lässt sich gerade nicht herausfinden. Versuchen Sie es gleich noch einmal.

accessibility-title = Barrierefreiheit
accessibility-goal = Alle sollen diese Seiten benutzen können. Ziel ist WCAG 2.2, Stufe AA.
accessibility-scripts = Alles, was man hier tun kann, geht ohne Skripte, allein mit der Tastatur und mit einem Screenreader.
accessibility-keys = Am Service-Desk sind einzelne Tasten Kürzel. Sie lassen sich unter „Meine Einstellungen“ ausschalten.
accessibility-looks = Text lässt sich auf das Doppelte vergrößern, und die Seiten passen in ein Fenster von 320 Pixeln. Hell, dunkel und mehr Kontrast sind, wie Ihr System es sagt oder Sie es einstellen.
accessibility-tested = Vor jeder Veröffentlichung prüft ein Programm, das diese Regeln kennt, jede Seite: hell und dunkel, in einem breiten und einem schmalen Fenster. Menschen mit Behinderungen haben sie noch nicht getestet.
accessibility-tables = Was nach unserem Wissen nicht gut genug ist: Breite Tabellen lassen sich in einem schmalen Fenster nur seitwärts schieben, und was Regeln und Menschen schreiben, steht in der Sprache da, in der sie es geschrieben haben.
accessibility-complain = Hindert Sie etwas an Ihrer Arbeit? Melden Sie es wie jede andere Störung, oder sagen Sie es der Person, die Ihren Service-Desk verwaltet.
