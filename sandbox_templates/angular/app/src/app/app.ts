import { Component } from "@angular/core";
import { NgIcon, provideIcons } from "@ng-icons/core";
import { lucideSparkles } from "@ng-icons/lucide";

@Component({
  selector: "app-root",
  imports: [NgIcon],
  viewProviders: [provideIcons({ lucideSparkles })],
  templateUrl: "./app.html",
})
export class App {}
