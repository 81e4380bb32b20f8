"""The pages of the login. They stand before those of the admin, whose login page they replace."""

from django.urls import path

from config.login.password import show_login
from config.login.second_factor import ask_code, set_up_at_login
from config.login.single_sign_on import finish_single_sign_on, start_single_sign_on

urlpatterns = [
    path("", show_login, name="desk_login"),
    path("code/", ask_code, name="login_code"),
    path("set-up/", set_up_at_login, name="login_set_up"),
    path("single-sign-on/", start_single_sign_on, name="single_sign_on"),
    path("single-sign-on/callback/", finish_single_sign_on, name="single_sign_on_callback"),
]
