"""Which column of a file is what: known columns under the names that CRMs and mail programs export, else merge fields.

Names were collected from exports of HubSpot, Salesforce, Dynamics, Pipedrive, Zoho, Apollo, Outreach, Salesloft,
Lemlist, ZoomInfo, Cognism, LinkedIn, Google Contacts and Outlook, and from lists in other languages. Of several columns
that could be the same known one, the first in its list is; the others are merge fields. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

KNOWN_COLUMNS = ("email", "first_name", "last_name", "title", "phone", "company", "domain", "timezone", "external_id")
# Words without blanks, marks and case. A title that is a salutation ("Mr.") comes after what says the job.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "email": (
        "email", "emailaddress", "mail", "mailaddress", "workemail", "workemailaddress", "businessemail",
        "businessemailaddress", "companyemail", "professionalemail", "corporateemail", "primaryemail",
        "primaryworkemail", "contactemail", "contactemailaddress", "leademail", "personemail", "useremail",
        "email1value", "email1", "email1address", "emailaddress1", "emailwork", "emailbusiness", "verifiedemail",
        "emails", "emailaddresses", "emailpro", "workmail", "businessmail", "personemailaddress", "prospectemail",
        "prospectemailaddress", "emailid", "useremailaddress", "directemail", "enrichedemail", "emailfound",
        "primaryemailaddress", "emailpersonal", "personalemail", "correo", "correoelectronico", "correoelectrónico",
        "courriel", "adressemail", "adresseemail", "emailadresse", "mailadresse", "indirizzoemail", "adreseemail",
        "eposta", "epost", "emailadres", "эмейл", "электроннаяпочта",
    ),
    "first_name": (
        "firstname", "givenname", "forename", "first", "fname", "contactfirstname", "leadfirstname",
        "personfirstname", "prospectfirstname", "firstnamecleaned", "contactgivenname", "vorname", "prénom", "prenom",
        "nombre", "primernombre", "voornaam", "imię", "имя", "förnamn", "fornavn", "primeironome",
    ),
    "last_name": (
        "lastname", "familyname", "surname", "last", "lname", "contactlastname", "leadlastname", "personlastname",
        "prospectlastname", "contactsurname", "nachname", "familienname", "nomdefamille", "nom", "apellido",
        "apellidos", "cognome", "achternaam", "nazwisko", "фамилия", "efternamn", "etternavn", "sobrenome", "apelido",
    ),
    "title": (
        "jobtitle", "position", "jobposition", "currentposition", "organizationtitle", "organisationtitle",
        "organization1title", "jobrole", "contacttitle", "contactjobtitle", "leadtitle", "occupation",
        "jobfunction", "roletitle", "currenttitle", "currentjobtitle", "prospecttitle", "persontitle", "positiontitle",
        "stelle", "berufsbezeichnung", "funktion", "poste", "fonction", "intituléduposte", "cargo", "puesto", "ruolo",
        "functie", "stanowisko", "должность", "title",
    ),
    "phone": (
        "phone", "phonenumber", "directdial", "directphone", "directphonenumber", "directline", "workdirectphone",
        "workphone", "workphonenumber", "businessphone", "businessphonenumber", "telephone", "telephonenumber", "tel",
        "phone1value", "primaryphone", "contactphone", "contactphonenumber", "mobile", "mobilephone",
        "mobilephonenumber", "mobilenumber", "cell", "cellphone", "cellphonenumber", "corporatephone", "companyphone",
        "officephone", "otherphone", "homephone",
        "workdirectphonenumber", "directphone1", "directnumber", "mobilephone1", "phone1", "phonework", "workphone1",
        "prospectphone", "contactmobile", "companyphonenumber", "companyhqphone", "hqphone", "telefon", "telefonnummer",
        "mobil", "mobiltelefon", "handy", "téléphone", "teléfono", "telefono", "telefone", "telefoon", "móvil", "movil",
        "телефон",
    ),
    "company": (
        "company", "companyname", "accountname", "account", "organization", "organisation", "organizationname",
        "organisationname", "organization1name", "companyaccount", "currentcompany", "associatedcompany",
        "primarycompany", "primaryassociatedcompany", "companynameforemails", "employer", "business", "businessname",
        "leadcompany", "parentaccount",
        "prospectcompany", "contactcompany", "companynamecleaned", "cleanedcompanyname", "currentcompanyname",
        "currentemployer", "organizationlegalname", "firma", "firmenname", "unternehmen", "société", "societe",
        "entreprise", "raisonsociale", "empresa", "compañía", "compania", "azienda", "bedrijf", "компания", "företag",
    ),
    "domain": (
        "domain", "domainname", "companydomain", "companydomainname", "emaildomain", "website", "companywebsite",
        "websiteurl", "companywebsiteurl", "accountwebsite", "accountdomain", "companyurl", "webpage",
        "businesswebsite", "homepage", "website1value", "organizationwebsite",
        "companydomains", "primarydomain", "organizationdomain", "organizationprimarydomain", "organizationwebsiteurl",
        "accountwebsiteurl", "companysite", "corporatewebsite", "webaddress", "webseite", "internetseite",
        "siteweb", "sitioweb", "sitoweb", "paginaweb", "páginaweb",
    ),
    "timezone": (
        "timezone", "timezonename", "tz", "ianatimezone", "contacttimezone", "usertimezone", "persontimezone",
        "zeitzone", "fuseauhoraire", "zonahoraria",
    ),
    "external_id": ("externalid",),
}  # fmt: skip
_RANKS = {word: (column, rank) for column, words in _NAMES.items() for rank, word in enumerate(words)}
_TYPE = re.compile(r"(?P<name>.+):(?P<type>number|boolean)")


@dataclass(frozen=True, slots=True)
class Column:
    """What a column is read as: a known column or a merge field, "" when left out. `type`: number, boolean or text."""

    name: str
    type: str = "text"


def name_column(written: str) -> str:
    """What a column is called as a merge field."""
    return re.sub(r"\W+", "_", written.strip().lower()).strip("_")


def name_typed_column(name: str, type_: str) -> str:
    """How a merge field of numbers or booleans is called in an export; `read_columns` reads it."""
    return name if type_ == "text" else f"{name}:{type_}"


def read_columns(columns: Sequence[str], mapping: Mapping[str, str] | None = None) -> list[Column]:
    """What each column is, in order. `mapping`: columns as written to what they are read as, "" to leave one out."""
    mapping = mapping or {}
    found = [_read(mapping.get(column, column)) for column in columns]
    candidates: dict[str, list[tuple[int, int]]] = {}
    for place, column in enumerate(columns):
        if column in mapping:
            known, rank = found[place].name, -1
        else:
            known, rank = _RANKS.get(re.sub(r"[\W_]+", "", column.lower()), ("", 0))
        if known in KNOWN_COLUMNS:
            # a column that is called exactly so, as in our own exports, is it
            candidates.setdefault(known, []).append((-1 if column == known else rank, place))
    for known, ranked in candidates.items():
        best = min(ranked)[0]
        for rank, place in ranked:
            if rank == best:
                # two of the same rank stay a column that is there twice
                found[place] = Column(known)
            elif found[place].name == known:
                found[place] = Column(f"other_{known}")
    return found


def _read(written: str) -> Column:
    typed = _TYPE.fullmatch(written.strip())
    name = name_column(typed["name"]) if typed else ""
    return Column(name, typed["type"]) if typed and name not in KNOWN_COLUMNS else Column(name_column(written))
