"""The columns of a file under the names that programs export and that users write in their own language."""

from __future__ import annotations

import pytest

from sequences.contacts.csv_columns import read_columns

EXPORTS = {
    "Apollo": ("First Name,Last Name,Title,Company,Email,Work Direct Phone,Website,Industry",
               "first_name,last_name,title,company,email,phone,domain,industry"),
    "HubSpot": ("First Name,Last Name,Job Title,Email,Phone Number,Associated Company,Company Domain Name",
                "first_name,last_name,title,email,phone,company,domain"),
    "Salesloft": ("Email Address,First Name,Last Name,Title,Company Name,Phone,Company Website",
                  "email,first_name,last_name,title,company,phone,domain"),
    "LinkedIn": ("First Name,Last Name,URL,Email Address,Company,Position,Connected On",
                 "first_name,last_name,url,email,company,title,connected_on"),
    "ZoomInfo": ("First Name,Last Name,Job Title,Email Address,Direct Phone Number,Company Name,Website",
                 "first_name,last_name,title,email,phone,company,domain"),
    "German": ("Vorname,Nachname,E-Mail-Adresse,Firma,Telefonnummer,Webseite,Funktion",
               "first_name,last_name,email,company,phone,domain,title"),
    "French": ("Prénom,Nom,Courriel,Société,Téléphone,Fonction,Site web",
               "first_name,last_name,email,company,phone,title,domain"),
    "Spanish": ("Nombre,Apellidos,Correo electrónico,Empresa,Teléfono,Cargo",
                "first_name,last_name,email,company,phone,title"),
}  # fmt: skip


@pytest.mark.parametrize("program", EXPORTS)
def test_the_columns_of_an_export_are_recognised(program: str) -> None:
    written, read_as = EXPORTS[program]
    assert [column.name for column in read_columns(written.split(","))] == read_as.split(",")


def test_a_profile_address_is_no_website() -> None:
    names = [column.name for column in read_columns(["Person Linkedin Url", "LinkedIn URL", "Email", "Website"])]
    assert names == ["person_linkedin_url", "linkedin_url", "email", "domain"]
